// Starts `qspec server` and lets VS Code's own client speak to it.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const [command, ...args] = vscode.workspace.getConfiguration("qspec").get("command");
  client = new LanguageClient(
    "qspec",
    "qspec",
    { command, args },
    { documentSelector: [{ language: "qspec" }] },
  );
  try {
    await client.start();
  } catch (error) {
    const advice = "pip install 'qspec[server]', or set `qspec.command`";
    vscode.window.showErrorMessage(`\`${[command, ...args].join(" ")}\` cannot be started: ${advice}`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(vscode.commands.registerCommand("qspec.restart", restart));
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("qspec.command")) {
        restart();
      }
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
