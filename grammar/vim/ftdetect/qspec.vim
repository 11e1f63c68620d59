autocmd BufRead,BufNewFile *.qspec setfiletype qspec
