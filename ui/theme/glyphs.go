package theme

import "strings"

// Glyphs are the signs that carry meaning beside a word, and the lines.
type Glyphs struct {
	Cursor, On, Part, Warn, Bad, Off, Wait string
	Done, Bullet                           string
	Up, Down, Enter                        string
	Rule, Heavy, Wall, TeeDown, TeeUp      string
	TopLeft, TopRight, BotLeft, BotRight   string
	Full, Empty                            string
	Spark                                  []string
}

// Key writes the name of a key with these glyphs.
func (g *Glyphs) Key(name string) string {
	return strings.NewReplacer("⏎", g.Enter, "↑", g.Up, "↓", g.Down).Replace(name)
}

var unicode = Glyphs{
	Cursor: "▸", On: "●", Part: "◐", Warn: "▲", Bad: "✗", Off: "○", Wait: "◌",
	Done: "✓", Bullet: "•", Up: "↑", Down: "↓", Enter: "⏎",
	Rule: "─", Heavy: "━", Wall: "│", TeeDown: "┬", TeeUp: "┴",
	TopLeft: "╭", TopRight: "╮", BotLeft: "╰", BotRight: "╯",
	Full: "━", Empty: "─",
	Spark: []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
}

var ascii = Glyphs{
	Cursor: ">", On: "*", Part: "~", Warn: "!", Bad: "x", Off: "-", Wait: "?",
	Done: "+", Bullet: "*", Up: "^", Down: "v", Enter: "enter",
	Rule: "-", Heavy: "=", Wall: "|", TeeDown: "+", TeeUp: "+",
	TopLeft: "+", TopRight: "+", BotLeft: "+", BotRight: "+",
	Full: "#", Empty: ".",
	Spark: []string{"_", ".", ":", "-", "=", "+", "*", "#"},
}
