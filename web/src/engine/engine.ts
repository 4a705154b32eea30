/** The one connection of the page. */

import type { Command, Replies } from "./protocol";
import type { AnyEvent, Fields, Line, Listening } from "./socket";
import { Socket } from "./socket";

let socket: Socket | undefined;

/** Connect to the server that the page came from. */
export function connect(heard: (event: AnyEvent) => void, changed: (open: boolean) => void): void {
  const address = new URL("ws", location.href.replace(/^http/, "ws").replace(/[?#].*$/, ""));
  socket = new Socket(() => new WebSocket(address) as unknown as Line, heard, changed);
}

/** Stand in another connection, for tests. */
export function use(other: Socket | undefined): void {
  socket = other;
}

export function ask<C extends Command>(
  cmd: C,
  fields: Fields<C>,
  listening: Listening = {},
): Promise<Replies[C]> {
  if (!socket) return Promise.reject(new Error("ask() before connect()"));
  return socket.ask(cmd, fields, listening);
}
