import { useStore } from "zustand";
import type { StoreApi } from "zustand/vanilla";

/** What a component needs of a store; it is drawn again only when that changes. */
export function useSlice<State, Slice>(store: StoreApi<State>, slice: (state: State) => Slice): Slice {
  return useStore(store, slice);
}
