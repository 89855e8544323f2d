// What every page does beyond reading: keys, the palette, ages of times, copying, short messages.
import "./times.js";
import "./copying.js";
import "./messages.js";
import "./keys.js";
import "./palette.js";
import "./live.js";
import "./picked.js";
