// Reads texts from standard input, a JSON list, and prints each token's start, end and innermost scope, as VS Code's own
// tokenizer finds them. Arguments: the folder with `node_modules`, the grammar.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [folder, grammarFile] = process.argv.slice(2);
const load = createRequire(path.join(folder, "package.json"));
const { Registry, INITIAL, parseRawGrammar } = load("vscode-textmate");
const oniguruma = load("vscode-oniguruma");

async function main() {
  const wasm = fs.readFileSync(load.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.qspec");
  const answers = JSON.parse(fs.readFileSync(0, "utf8")).map((text) => {
    const found = [];
    let state = INITIAL;
    let offset = 0;
    for (const line of text.split("\n")) {
      const result = grammar.tokenizeLine(line, state);
      for (const token of result.tokens) {
        const scope = token.scopes[token.scopes.length - 1];
        found.push([offset + token.startIndex, offset + Math.min(token.endIndex, line.length), scope]);
      }
      state = result.ruleStack;
      offset += line.length + 1;
    }
    return found;
  });
  process.stdout.write(JSON.stringify(answers));
}

main();
