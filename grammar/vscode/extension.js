// Starts `qspec server` and lets VS Code's own client speak to it.
"use strict";

const vscode = require("vscode");
const { CloseAction, LanguageClient } = require("vscode-languageclient/node");

// Not what version control or a comparison shows beside a file: it would be checked a second time.
const DOCUMENTS = ["file", "untitled"].map((scheme) => ({ language: "qspec", scheme }));

let client; // the one that runs
let log;
let turn = Promise.resolve();

class Client extends LanguageClient {
  // Before it runs, `start` says in one sentence what is wrong; the client's own sentences go into the log.
  error(message, data, notify) {
    super.error(message, data, this === client ? notify : false);
  }
}

async function start() {
  const command = [].concat(vscode.workspace.getConfiguration("qspec").get("command"));
  let close;
  const closed = new Promise((resolve) => (close = resolve));
  const starting = new Client(
    "qspec",
    "qspec",
    { command: command[0], args: command.slice(1) },
    {
      documentSelector: DOCUMENTS,
      outputChannel: log,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: (...failure) => usual.error(...failure),
        closed: () => {
          if (starting === client) {
            return usual.closed();
          }
          close(false);
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    },
  );
  const usual = starting.createDefaultErrorHandler();
  // The client never says that a server ended before its first answer.
  const started = starting.start().then(
    () => true,
    () => false,
  );
  if (await Promise.race([started, closed])) {
    client = starting;
  } else {
    complain(command);
  }
}

async function complain(command) {
  const advice = "pip install 'qspec[server]', or set `qspec.command`";
  const sentence = `\`${command.join(" ")}\` cannot be started: ${advice}`;
  if (await vscode.window.showErrorMessage(sentence, "Show the log")) {
    log.show();
  }
}

async function stop() {
  const running = client;
  client = undefined;
  try {
    await running?.stop();
  } catch (error) {
    log.appendLine(String(error)); // it had ended by itself
  }
}

async function restart() {
  await stop();
  await start();
}

// Starting and stopping take their time, and one begins when the other is done.
function inTurn(work) {
  turn = turn.then(work, work);
  return turn;
}

async function activate(context) {
  log = vscode.window.createOutputChannel("qspec");
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("qspec.restart", () => inTurn(restart)),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("qspec.command")) {
        inTurn(restart);
      }
    }),
  );
  await inTurn(start);
}

module.exports = { activate, deactivate: () => inTurn(stop) };
