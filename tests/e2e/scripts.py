"""What tests have the page do: movements of hands, and looks at what only script can see."""

PAN = """() => new Promise(done => {
  const canvas = document.querySelector('.viewer-canvas'), box = canvas.getBoundingClientRect();
  const send = (kind, x, y, buttons) => canvas.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + x, clientY: box.top + y, buttons, pointerId: 1, isPrimary: true, bubbles: true}));
  let step = 0;
  send('pointerdown', 400, 300, 1);
  const next = () => {
    send('pointermove', 400 + 5 * (step % 40), 300 + 3 * (step % 40), 1);
    if (++step < 40) requestAnimationFrame(next);
    else { send('pointerup', 400, 300, 0); done(); }
  };
  next();
})"""

PINCH = """() => {
  const canvas = document.querySelector('.viewer-canvas'), box = canvas.getBoundingClientRect();
  const send = (kind, id, x) => canvas.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + x, clientY: box.top + 250, pointerId: id, pointerType: 'touch', buttons: 1, bubbles: true}));
  canvas.setPointerCapture = () => undefined;  // these fingers are not the browser's own
  send('pointerdown', 11, 250); send('pointerdown', 12, 350);
  for (let by = 5; by <= 50; by += 5) { send('pointermove', 11, 250 - by); send('pointermove', 12, 350 + by); }
  send('pointerup', 11, 200); send('pointerup', 12, 400);
  delete canvas.setPointerCapture;
}"""

INKED = """() => {
  const canvas = document.querySelector('.viewer-overlay');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
  return count;
}"""

LOST_AND_BACK = """async () => {
  const canvas = document.querySelector('.viewer-canvas');
  const heard = name => new Promise(done => canvas.addEventListener(name, done, {once: true}));
  const lost = heard('webglcontextlost'), back = heard('webglcontextrestored');
  const handle = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
  handle.loseContext();
  await lost;
  await new Promise(done => setTimeout(done));  // a context that is still telling of its loss cannot come back
  handle.restoreContext();
  await back;
}"""

NEXT_FRAME = """() => new Promise(done => {
  const {sidera} = document.querySelector('.viewer-canvas'), before = sidera.frames;
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true}));
  requestAnimationFrame(() => requestAnimationFrame(() => done(sidera.frames - before)));
})"""
"""Frames that the viewer has drawn one frame after a key has moved a handle."""

CONTROLS = """() => {
  const of = 'button, a[href], input, select, textarea, [tabindex], [role=slider]';
  const name = one => (one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent || one.id)
    .trim().slice(0, 40);
  window.controls = [...document.querySelectorAll(of)].filter(one => {
    if (one.disabled || one.tabIndex < 0 || !one.checkVisibility({visibilityProperty: true})) return false;
    if (one.closest('[inert], [aria-hidden=true]')) return false;
    if (one.type !== 'radio') return true;  // a group of choices is one stop, at the one that is chosen
    return one.checked;
  });
  return controls.map(name);
}"""
"""Names of everything that can be used; the elements are kept as ``controls``."""

FOCUSED = """() => {
  const at = controls.indexOf(document.activeElement);
  if (at < 0) return [null, true];
  const one = document.activeElement;
  const marks = [one, one.parentElement, one.nextElementSibling, ...one.parentElement.querySelectorAll('*')];
  const ringed = style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  const seen = marks.some(mark => mark && ringed(getComputedStyle(mark)));
  return [at, seen || one.matches('input')];
}"""
"""Which of the controls has the focus, and whether it is to be seen; a field shows its caret."""

NAMED = """() => { const one = document.activeElement;
  return one === document.body ? '' : (one.getAttribute('aria-label') || one.textContent || '').trim(); }"""

CUT_OFF = """() => [...document.querySelectorAll('.top button, .status > *, .sheet button, .sheet label')]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('[hidden], .grid, .steps'))
  .filter(one => { const box = one.getBoundingClientRect();
    return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1); })
  .map(one => one.className + ' ' + one.textContent.slice(0, 30))"""
"""Controls that lie beyond the sides of the window."""

FLOOD = """() => new Promise(done => {
  let number = 1e6;
  const say = () => {
    for (let one = 0; one < 10; one++) {
      const line = {number: number++, time: '2024-08-14T22:00:00Z', level: 'info', text: `line ${number}`, job: null};
      heardOf.line.onmessage({data: JSON.stringify({event: 'log', data: line})});
    }
  };
  const timer = setInterval(say, 10);
  setTimeout(() => { clearInterval(timer); requestAnimationFrame(() => setTimeout(done, 400)); }, 3000);
})"""
"""A thousand lines a second for three seconds, as if the server sent them."""

PAN_FAR = """() => new Promise(done => {
  const canvas = document.querySelector('.viewer-canvas'), box = canvas.getBoundingClientRect();
  const small = Object.assign(document.createElement('canvas'), {width: 64, height: 64})
    .getContext('2d', {willReadFrequently: true});
  const send = (kind, x, y, buttons) => canvas.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + x, clientY: box.top + y, buttons, pointerId: 1, isPrimary: true, bubbles: true}));
  const zoom = by => canvas.dispatchEvent(new WheelEvent('wheel', {
    clientX: box.left + 400, clientY: box.top + 300, deltaY: by, bubbles: true, cancelable: true}));
  const blank = [];
  let step = 0;
  const look = () => {  // after the viewer's own callback of the same frame
    small.drawImage(canvas, 0, 0, 64, 64);
    const {data} = small.getImageData(0, 0, 64, 64);
    let empty = 0;
    for (let at = 0; at < data.length; at += 4) empty += Math.max(data[at], data[at + 1], data[at + 2]) < 14;
    blank.push(empty / 4096);
    if (step === 32) done(blank); else move();
  };
  const move = () => {
    step += 1;
    if (step % 15 === 0) zoom(step % 30 ? -300 : 300);
    else {
      send('pointerdown', 0, 0, 1);
      send('pointermove', step % 2 ? 340 : -310, step % 2 ? -170 : 190, 1);
      send('pointerup', 0, 0, 0);
    }
    requestAnimationFrame(look);
  };
  canvas.setPointerCapture = () => undefined;
  move();
})"""
"""Drags the picture about by hundreds of pixels a frame, and zooms; the share of each frame that shows no picture."""
