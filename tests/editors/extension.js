// Runs the extension with stand-ins for VS Code and its client: `node extension.js FILE`, on standard input the
// values of `qspec.command` as JSON, one after the other. Answers what was shown after each, and which servers ran.
"use strict";

const fs = require("node:fs");
const Module = require("node:module");

let command;
const shown = [];
const running = [];
const served = [];
const handlers = {};
const nothing = () => {};

const vscode = {
  workspace: {
    getConfiguration: (section) => ({ get: (name) => (section === "qspec" && name === "command" ? command : undefined) }),
    onDidChangeConfiguration: (handler) => (handlers.configuration = handler),
  },
  window: {
    createOutputChannel: () => ({ appendLine: nothing, show: nothing, dispose: nothing }),
    showErrorMessage: async (sentence) => void shown.push(sentence),
  },
  commands: { registerCommand: (name, handler) => (handlers[name] = handler) },
};

// As version 9 of the client does: it cannot be stopped unless it runs, and of a server that ends before its first
// answer only `closed` tells.
class LanguageClient {
  constructor(id, name, server, options) {
    Object.assign(this, { server, options });
  }
  createDefaultErrorHandler() {
    return { error: nothing, closed: () => ({ action: 2 }) };
  }
  error(message, data, notify = true) {
    if (notify) {
      shown.push(message);
    }
  }
  async start() {
    const { command: program } = this.server;
    if (program === "missing") {
      this.error("couldn't create connection to server", undefined, "force");
      throw new Error("ENOENT");
    }
    if (program === "ends") {
      setImmediate(() => {
        const { action, handled } = this.options.errorHandler.closed();
        this.error("Connection to server got closed", undefined, !handled);
        running.push(...(action === 2 ? ["ends"] : []));
      });
      return new Promise(nothing);
    }
    running.push([program, ...this.server.args].join(" "));
    served.push(this.options.documentSelector);
  }
  async stop() {
    const name = [this.server.command, ...this.server.args].join(" ");
    if (!running.includes(name)) {
      throw new Error("Client is not running and can't be stopped");
    }
    running.splice(running.indexOf(name), 1);
  }
}

const standIns = {
  vscode,
  "vscode-languageclient/node": { LanguageClient, CloseAction: { DoNotRestart: 1, Restart: 2 } },
};
const load = Module._load;
Module._load = (request, ...rest) => standIns[request] ?? load(request, ...rest);

async function main() {
  const extension = require(process.argv[2]);
  const commands = JSON.parse(fs.readFileSync(0, "utf8"));
  const answers = [];
  const note = () => answers.push({ running: [...running], shown: shown.splice(0) });
  command = commands.shift();
  await extension.activate({ subscriptions: [] });
  note();
  for (const next of commands) {
    if (next === "restart") {
      await handlers["qspec.restart"]();
    } else {
      command = next;
      handlers.configuration({ affectsConfiguration: (name) => name === "qspec.command" });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    note();
  }
  await extension.deactivate();
  note();
  process.stdout.write(JSON.stringify({ answers, served }));
}

main();
