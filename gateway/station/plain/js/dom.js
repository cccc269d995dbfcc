/* Making and changing elements.
 *
 * Invariant: text from the server reaches the document through `textContent` (or an input's `value`) only. There is no
 * innerHTML, no style attribute and no URL built from server text outside `api.js`.
 */

/** An element with classes and children; strings become text nodes. */
export function el(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** A button that does not submit. */
export function button(className, label, onPress) {
  const node = el("button", className, label);
  node.type = "button";
  if (onPress) node.addEventListener("click", onPress);
  return node;
}

/** Writes text only when it differs: no needless layout, no repeated announcement by a screen reader. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets a data attribute, or removes it for null. */
export function setMark(node, name, mark) {
  if (mark === null) delete node.dataset[name];
  else if (node.dataset[name] !== mark) node.dataset[name] = mark;
}
