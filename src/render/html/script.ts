/**
 * The script of the page: search, filter, copy, unfold. Everything can be read without it. It writes text only, never
 * markup, and keeps nothing.
 */

export const SCRIPT = String.raw`
(() => {
  'use strict';
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const status = one('#matches');
  const items = all('[data-item]');
  const cards = all('details');
  const texts = new Map();

  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };

  // Search and filter: an item stays when it has every word, and its severity is asked for.
  const boxes = all('input[name="severity"]');
  const find = one('#find');
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let left = 0;
    for (const item of items) {
      const { severity } = item.dataset;
      const stays =
        (severity === undefined || wanted.has(severity)) &&
        words.every((word) => textOf(item).includes(word));
      item.hidden = !stays;
      if (stays) left += 1;
    }
    const filtered = words.length > 0 || wanted.size < boxes.length;
    if (filtered) for (const group of all('.quiet, .plain')) group.open = true;
    status.textContent = filtered ? left + ' of ' + items.length + ' entries match' : '';
  };
  let waiting;
  find.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  for (const box of boxes) box.addEventListener('change', apply);

  // Open and close all.
  const unfold = one('#unfold');
  unfold.addEventListener('click', () => {
    const open = cards.some((card) => !card.open);
    for (const card of cards) card.open = open;
    unfold.textContent = open ? 'Close all' : 'Open all';
  });

  // A link to what is folded or filtered out brings it back.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target === null) return;
    const item = target.closest('[data-item]');
    if (item !== null && item.hidden) {
      find.value = '';
      for (const box of boxes) box.checked = true;
      apply();
    }
    for (let card = target.closest('details'); card !== null; card = card.parentElement.closest('details'))
      card.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', reveal);

  // On paper everything is open.
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = cards.filter((card) => !card.open);
    for (const card of folded) card.open = true;
  });
  addEventListener('afterprint', () => {
    for (const card of folded) card.open = false;
    folded = [];
  });

  // Copy buttons.
  const select = (code) => {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      select(code);
      return document.execCommand('copy');
    }
  };
  for (const code of all('code[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy the ' + code.dataset.copy + ' ' + code.textContent.slice(0, 80));
    button.addEventListener('click', async () => {
      const done = await copy(code);
      button.textContent = done ? 'Copied' : 'Selected';
      status.textContent = done ? 'Copied' : 'Selected: copy it with the keyboard';
      setTimeout(() => {
        button.textContent = 'Copy';
        status.textContent = '';
        if (find.value !== '' || boxes.some((box) => !box.checked)) apply();
      }, 2000);
    });
    (code.closest('pre') ?? code).after(button);
  }

  one('#tools').hidden = false;
  if (location.hash !== '') reveal();
})();
`;
