import { useEffect, useState } from "react";
import { upload } from "../../engine/server";
import { addInputs } from "../../state/library";
import { complain, tell } from "../../state/page";

/** Files dropped anywhere on the page are handed to the server, then looked into; true while something hovers. */
export function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const listeners = {
      dragenter: (event: DragEvent) => setOver(event.dataTransfer?.types.includes("Files") ?? false),
      dragover: () => undefined,
      dragleave: (event: DragEvent) => event.relatedTarget === null && setOver(false),
      drop: (event: DragEvent) => {
        setOver(false);
        if (event.dataTransfer) take(event.dataTransfer).catch(complain);
      },
    };
    const stops = Object.entries(listeners).map(([name, act]) => {
      const listen = (event: Event) => {
        event.preventDefault(); // or the browser would open the file in place of the page
        act(event as DragEvent);
      };
      window.addEventListener(name, listen);
      return () => window.removeEventListener(name, listen);
    });
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  return over;
}

interface Dropped {
  readonly name: string;
  readonly file: File;
}

/** Hand over what was dropped, file by file, and look into it. */
async function take(data: DataTransfer): Promise<void> {
  // Read before anything is waited for: afterwards the list is empty. A loose file may come without an entry.
  const found = [...data.items].map((item) => {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    return entry ? filesOf(entry) : file ? [{ name: file.name, file }] : [];
  });
  const files = (await Promise.all(found)).flat();
  if (files.length === 0) return;
  const batch = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  tell("warn", `Taking in ${files.length} files…`, {
    hint: "A folder on this computer is quicker chosen than dropped.",
  });
  let folder = "";
  for (const { name, file } of files) folder = (await upload(batch, name, file)).folder;
  await addInputs([folder]);
}

async function filesOf(entry: FileSystemEntry, path = ""): Promise<Dropped[]> {
  const name = `${path}${entry.name}`;
  if (entry.isFile)
    return [
      {
        name,
        file: await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail)),
      },
    ];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Dropped[] = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time, and nothing at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await filesOf(one, `${name}/`)));
  }
}
