package theme

// Glyphs are the signs that carry meaning beside a word, and the lines.
type Glyphs struct {
	Cursor, On, Part, Warn, Bad, Off, Wait string
	Done, Ellipsis, Bullet, Separator      string
	Up, Down, Enter, Return                string
	Rule, Heavy, Wall, TeeDown, TeeUp      string
	TopLeft, TopRight, BotLeft, BotRight   string
	Full, Empty                            string
	Spark                                  []string
	Arrows                                 string // up and down keys in hints
}

var unicode = Glyphs{
	Cursor: "▸", On: "●", Part: "◐", Warn: "▲", Bad: "✗", Off: "○", Wait: "◌",
	Done: "✓", Ellipsis: "…", Bullet: "•", Separator: "·",
	Up: "↑", Down: "↓", Enter: "⏎", Return: "↵",
	Rule: "─", Heavy: "━", Wall: "│", TeeDown: "┬", TeeUp: "┴",
	TopLeft: "╭", TopRight: "╮", BotLeft: "╰", BotRight: "╯",
	Full: "█", Empty: "░",
	Spark: []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
}

var ascii = Glyphs{
	Cursor: ">", On: "*", Part: "~", Warn: "!", Bad: "x", Off: "-", Wait: "?",
	Done: "+", Ellipsis: "..", Bullet: "*", Separator: "-",
	Up: "^", Down: "v", Enter: "enter", Return: "enter",
	Rule: "-", Heavy: "=", Wall: "|", TeeDown: "+", TeeUp: "+",
	TopLeft: "+", TopRight: "+", BotLeft: "+", BotRight: "+",
	Full: "#", Empty: ".",
	Spark: []string{"_", ".", ":", "-", "=", "+", "*", "#"},
}
