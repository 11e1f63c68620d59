// Before packaging: the files that the extension shares with the rest of the project.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..", "..");

fs.mkdirSync(path.join(__dirname, "syntaxes"), { recursive: true });
fs.copyFileSync(
  path.join(root, "grammar", "qspec.tmLanguage.json"),
  path.join(__dirname, "syntaxes", "qspec.tmLanguage.json"),
);
fs.copyFileSync(path.join(root, "LICENSE"), path.join(__dirname, "LICENSE"));
