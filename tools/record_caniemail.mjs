// Record what the npm package caniemail finds in the mails of tests/checks/mails, for tests/checks/test_checks_clients.py:
//     npm install --no-save caniemail@VERSION && node tools/record_caniemail.mjs
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { caniemail, rawData } from "caniemail";

const folder = new URL("../tests/checks/mails/", import.meta.url);
const clients = ["gmail.desktop-webmail", "outlook.windows", "apple-mail.ios", "yahoo.ios"];
const slugs = new Map(rawData.data.map((feature) => [feature.title, feature.slug]));
const found = (issues) =>
  Object.fromEntries([...issues].map(([client, list]) => [client, [...new Set(list.map((issue) => slugs.get(issue.title)))].sort()]));
const record = {};
for (const name of readdirSync(folder).filter((name) => name.endsWith(".html")).sort()) {
  const { issues } = caniemail({ clients, html: readFileSync(new URL(name, folder), "utf8") });
  record[name] = { none: found(issues.errors), partial: found(issues.warnings) };
}
writeFileSync(new URL("caniemail.json", folder), JSON.stringify(record, null, 1) + "\n");
