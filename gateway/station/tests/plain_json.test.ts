import { expect, test } from "vitest";

import { plainJson } from "../src/plain_json";

function through(value: unknown): unknown {
  return JSON.parse(plainJson(JSON.stringify(value)));
}

test("signs that turn the direction of writing and controls are shown, in names as in values", () => {
  expect(through({ "a\u202eb": ["x\u2066y\u2069", "n\u0000m\u001bo\u007f"] })).toEqual({ "a\ufffdb": ["x\ufffdy\ufffd", "n\ufffdm\ufffdo\ufffd"] });
  expect(JSON.parse(plainJson('{"a":"x\\u202Ey\\u0000z"}'))).toEqual({ a: "x\ufffdy\ufffdz" });
});

test("everything else comes through as it is: other scripts, line ends, backslashes before an innocent u", () => {
  const text = 'محمد עברית Åsa \u200f 😀 "quoted" \\u202e \\\\u0000 C:\\users\n\t';
  expect(through({ text })).toEqual({ text });
  expect(JSON.parse(plainJson('"\\\\u202e"'))).toBe("\\u202e");
  expect(JSON.parse(plainJson('"\\\\\\u202e"'))).toBe("\\\ufffd");
});

test("a document without such signs is the same text", () => {
  const document = '{"n":1,"beds":[{"bed":"b01","name":"Lindqvist, Åsa"}]}';
  expect(plainJson(document)).toBe(document);
});
