// What programs print at terminals: harmless things, things that reach beyond the screen, and what the rest of the world throws in.
import fc from "fast-check"

/** Passes, byte for byte. */
export const HARMLESS: Readonly<Record<string, string>> = {
  text: "plain text, tabs\tand lines\r\n",
  characters: "日本語 ✓ é — 🦊 \u00a0",
  bell: "\x07",
  colours: "\x1b[1;38;5;208mbold\x1b[0m \x1b[38:2::1:2:3mtrue\x1b[m",
  "cursor and erasing": "\x1b[2;5H\x1b[3A\x1b[10G\x1b[K\x1b[2J\x1b[1X\x1b[2P\x1b[3@\x1b[L\x1b[M\x1b7\x1b8\x1b[s\x1b[u",
  scrolling: "\x1b[2;20r\x1b[3S\x1b[2T\x1bD\x1bM\x1b[r",
  "alternate screen": "\x1b[?1049h\x1b[?25l\x1b[?1049l\x1b[?25h",
  mouse: "\x1b[?1000;1002;1006h\x1b[?1000;1002;1006l",
  "bracketed paste": "\x1b[?2004h\x1b[?2004l",
  "one go": "\x1b[?2026h\x1b[?2026l",
  "line drawing": "\x1b(0lqqk\x1b(B \x1b)0\x0e\x0f\x1b)B",
  "cursor's shape": "\x1b[5 q\x1b[0 q",
  keyboards: "\x1b[>1u\x1b[<u\x1b[>4;2m\x1b[>4m",
  "questions of a fixed answer": "\x1b[6n\x1b[5n\x1b[c\x1b[>c\x1b[>0q\x1b[?2026$p\x1b[?u",
}

/** Nothing of it passes but what `left` says. */
export const BEYOND: readonly { name: string; bytes: string; left?: string }[] = [
  { name: "clipboard (OSC 52), BEL", bytes: "\x1b]52;c;aGk=\x07" },
  { name: "clipboard, ST", bytes: "\x1b]52;c;aGk=\x1b\\" },
  { name: "clipboard, asked for", bytes: "\x1b]52;c;?\x07" },
  { name: "clipboard, U+009D and U+009C", bytes: "\xc2\x9d52;c;aGk=\xc2\x9c" },
  ...[0, 1, 2].map((number) => ({ name: `title (OSC ${number})`, bytes: `\x1b]${number};rm -rf\x07` })),
  { name: "link (OSC 8)", bytes: "\x1b]8;id=1;https://evil.example/\x1b\\text\x1b]8;;\x1b\\", left: "text" },
  ...[4, 10, 11, 12, 19].map((number) => ({ name: `palette (OSC ${number})`, bytes: `\x1b]${number};1;red\x07` })),
  { name: "font (OSC 50)", bytes: "\x1b]50;x\x07" },
  { name: "notification (OSC 9)", bytes: "\x1b]9;read me\x07" },
  { name: "notification (OSC 777)", bytes: "\x1b]777;notify;a;b\x07" },
  { name: "iTerm2 (OSC 1337)", bytes: "\x1b]1337;File=name=YQ==;inline=1:AAAA\x07" },
  { name: "VS Code (OSC 633)", bytes: "\x1b]633;E;rm -rf ~\x07" },
  { name: "directory (OSC 7)", bytes: "\x1b]7;file://h/etc\x07" },
  {
    name: "window moved, resized, reported",
    bytes: "\x1b[3;0;0t\x1b[8;99;99t\x1b[21t\x1b[20t\x1b[22;0t\x1b[23t\x1b[18t",
  },
  { name: "DECRQSS", bytes: "\x1bP$qm\x1b\\" },
  { name: "XTGETTCAP", bytes: "\x1bP+q544e\x1b\\" },
  { name: "tmux passthrough", bytes: "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\" },
  { name: "sixels", bytes: "\x1bPq#0;2;0;0;0#0~~@@vv\x1b\\" },
  { name: "user defined keys (DECUDK)", bytes: "\x1bP0;1|17/726d202d7266207e\x1b\\" },
  { name: "kitty graphics (APC)", bytes: "\x1b_Ga=T,f=100;AAAA\x1b\\" },
  { name: "PM", bytes: "\x1b^private\x1b\\" },
  { name: "SOS", bytes: "\x1bXstring\x1b\\" },
  { name: "title of screen", bytes: "\x1bktitle\x1b\\" },
  { name: "answerback (ENQ)", bytes: "\x05" },
  { name: "media copy", bytes: "\x1b[5i\x1b[4i\x1b[?5i" },
  { name: "checksum of the screen (DECRQCRA)", bytes: "\x1b[1;1;1;1;1;1*y" },
  { name: "terminal's parameters", bytes: "\x1b[x\x1b[1x" },
  { name: "identity (DECID), tertiary (DA3)", bytes: "\x1bZ\x1b[=c" },
  { name: "8-bit controls", bytes: "\x1b G" },
  { name: "other codings", bytes: "\x1b%@\x1b%G" },
  { name: "other character sets", bytes: "\x1b(A\x1b*0\x1b-A\x1bn\x1bo\x1b~\x1bN\x1bO\x1b(K\x1b(U" },
  { name: "reset", bytes: "\x1bc" },
  { name: "scrollback", bytes: "\x1b[3J" },
  { name: "132 columns, VT52, Tektronix, highlights", bytes: "\x1b[?3h\x1b[?2l\x1b[?38h\x1b[?1001h\x1b[1;2;3;4;5T" },
  { name: "keyboard locked, echo", bytes: "\x1b[2h\x1b[12l" },
  { name: "lamps", bytes: "\x1b[1q" },
  { name: "test pattern, double height", bytes: "\x1b#8\x1b#3" },
  { name: "rectangles, margins, macros", bytes: "\x1b[1;1;2;2$x\x1b[?69h\x1b[1*z" },
  { name: "conformance level", bytes: '\x1b[61"p' },
  { name: "long number", bytes: "\x1b[1000000b" },
  { name: "NUL, XON, DEL, lone C1", bytes: "\x00\x11\x13\x7f\xc2\x84a", left: "\x1bDa" },
  { name: "control as 0x9b in CSI of C1", bytes: "\xc2\x9b31m", left: "\x1b[31m" },
]

const fragment = fc.oneof(
  fc.constantFrom(...Object.values(HARMLESS)).map((text) => Buffer.from(text)),
  fc.constantFrom(...BEYOND.map(({ bytes }) => bytes)).map((text) => Buffer.from(text, "latin1")),
  fc
    .tuple(fc.constantFrom("\x1b[", "\xc2\x9b", "\x1b]", "\x1bP", "\x1b(", "\x1b"), fc.stringMatching(/^[ -~]{0,12}$/))
    .map(([start, rest]) => Buffer.from(start + rest, "latin1")),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(0x1b, 0x18, 0x1a, 0x9b, 0x9c, 0x9d, 0xc2, 0x07, 0x0a, 0x5c).map((byte) => Buffer.from([byte])),
  fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => Buffer.from(text)),
)

/** What a hostile program may print: any of it, cut anywhere. */
export const hostile = fc
  .array(fc.tuple(fragment, fc.option(fc.nat(30), { freq: 3 })), { maxLength: 24 })
  .map((parts) => Buffer.concat(parts.map(([bytes, cut]) => (cut === null ? bytes : bytes.subarray(0, cut)))))
