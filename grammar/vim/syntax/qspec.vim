" Colours of specs. Of two that fit at a place, the one that stands further down counts.
if exists("b:current_syntax")
  finish
endif

syntax match qspecOperator /->\|[=!<>]=\|\.\.\.\?\|[<>=|?+*\/-]/
syntax match qspecName /\<\h\w*\>/
syntax match qspecClass /\<\u\w*\>/
syntax match qspecOp /\<\u[A-Z0-9_]\+\>/
syntax match qspecConstant /\<\%(any\|float\|true\|false\|none\)\>/
syntax match qspecType /\<\%(u\?int\%([2-8]\|16\|32\|64\)\|b\?float\%(16\|32\|64\)\|bool\|string\|complex\%(64\|128\)\|resource\|variant\)\>/
syntax match qspecKeyword /\<\%(as\|because\|constant\|deprecated\|except\|extends\|form\|match\|model\|on\|op\|option\|read\|refuse\|source\|unverified\|warn\|when\|where\|without\)\>/
syntax match qspecDeclaration /\<\%(qspec\|import\|deploy\|layer\|quantizer\|pattern\|default\|rule\|require\|calibrate\|train\|target\)\>/
syntax match qspecWord /\<\%(and\|or\|not\|in\|like\|matches\)\>/

" Every word can be a name: one before `=` or `.`, or behind `.`, is no keyword.
syntax match qspecName /\<\h\w*\ze\s*\%(==\@!\|\.\.\@!\)/
syntax match qspecName /\%([^.]\.\)\@2<=\h\w*/
syntax match qspecDeclaration /\<\%(input\|output\)\>\ze\s*\%(\[\s*\%("[^"]*"\|'[^']*'\)\s*\]\s*\)\?{/

" What stands behind these is a name.
syntax match qspecDeclaration /\<\%(quantizer\|pattern\|rule\|target\|layer\)\ze\s\+\%(\%(on\|extends\|match\)\>\)\@!\h/ nextgroup=qspecDefined skipwhite
syntax match qspecKeyword /\<\%(option\|form\)\ze\s\+\%(\%(on\|extends\|match\)\>\)\@!\h/ nextgroup=qspecDefined skipwhite
syntax match qspecKeyword /\<\%(as\|extends\)\ze\s\+[a-z_]/ nextgroup=qspecUsed skipwhite
syntax match qspecDeclaration /\<deploy\ze\s\+\h/ nextgroup=qspecUsed skipwhite
syntax match qspecDefined /\h\w*/ contained
syntax match qspecUsed /\h\w*/ contained

syntax match qspecNumber /\<\d\+\%(\.\d\+\)\?\%([eE][+-]\?\d\+\)\?/ nextgroup=qspecUnit skipwhite
syntax match qspecUnit /%\|\%([KMG]i\?B\|B\|lsb\|dB\)\>/ contained
syntax region qspecString start=/"/ skip=/\\./ end=/"\|$/ oneline contains=qspecEscape
syntax match qspecEscape /\\\%(u{\x\{1,6}}\|["\\nt]\)/ contained
syntax region qspecString start=/'/ end=/'\|$/ oneline
syntax match qspecComment /#.*/ contains=qspecDirective,@Spell
syntax match qspecDirective /#\s*\zsqspec:\s*ignore\[[A-Za-z0-9, \t]*\]/ contained

highlight default link qspecOperator Operator
highlight default link qspecName Identifier
highlight default link qspecUsed Identifier
highlight default link qspecClass Type
highlight default link qspecOp Function
highlight default link qspecConstant Constant
highlight default link qspecType Type
highlight default link qspecKeyword Keyword
highlight default link qspecDeclaration Statement
highlight default link qspecWord Operator
highlight default link qspecDefined Function
highlight default link qspecNumber Number
highlight default link qspecUnit Type
highlight default link qspecString String
highlight default link qspecEscape SpecialChar
highlight default link qspecComment Comment
highlight default link qspecDirective SpecialComment

let b:current_syntax = "qspec"
