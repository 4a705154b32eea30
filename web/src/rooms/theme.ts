import { createTheme, Menu, Modal, SegmentedControl, Select, Tooltip } from "@mantine/core";

/** Sizes and manners of the controls; their colours are in styles/tokens.css. */
export const THEME = createTheme({
  primaryColor: "blue",
  defaultRadius: "sm",
  fontFamily: "Inter Variable, system-ui, sans-serif",
  respectReducedMotion: true,
  cursorType: "default",
  components: {
    Menu: Menu.extend({
      // Inside the page's landmarks; fixed, so that no panel cuts it off; the first item has the focus.
      defaultProps: { withinPortal: false, floatingStrategy: "fixed", withInitialFocusPlaceholder: false },
    }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { withItemsBorders: false } }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        openDelay: 400,
        withArrow: false,
        position: "top",
        events: { hover: true, focus: true, touch: false },
      },
    }),
    Modal: Modal.extend({
      defaultProps: {
        lockScroll: false,
        overlayProps: { backgroundOpacity: 0.5 },
        transitionProps: { duration: 120 },
      },
    }),
    Select: Select.extend({ defaultProps: { comboboxProps: { shadow: "md" } } }),
  },
});
