package dialog

import (
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

const (
	helpKeys   = 13 // cells for the keys
	helpColumn = 47 // cells of a column
)

// NewHelp lists every key of the map, the scopes that apply here first.
func NewHelp(keys keymap.Map, here []string, t *theme.Theme) *Reader {
	ordered := order(keys, here)
	return &Reader{title: "Keys", width: 2*helpColumn + 4, theme: t, write: func(width int, t *theme.Theme) []string {
		return helpLines(ordered, width, t)
	}}
}

// order puts the scopes named here first, then what works everywhere, and leaves
// the rest as they are.
func order(keys keymap.Map, here []string) keymap.Map {
	var out keymap.Map
	first := map[string]bool{}
	for _, name := range append(append([]string(nil), here...), keymap.Everywhere, keymap.Always) {
		first[name] = true
		out = append(out, keys.Scope(name))
	}
	for _, s := range keys {
		if !first[s.Name] {
			out = append(out, s)
		}
	}
	return out
}

// helpLines sets the scopes in one column, or each in the shorter one of two: so those that come first
// are at the top.
func helpLines(scopes keymap.Map, width int, t *theme.Theme) []string {
	column := width
	if width >= 2*helpColumn {
		column = (width - 4) / 2
	}
	var blocks [][]string
	for _, s := range scopes {
		block := helpBlock(s, column, t)
		if s.Title == "" && len(blocks) > 0 {
			// A scope without a title belongs to the one before it.
			last := len(blocks) - 1
			blocks[last] = append(blocks[last], block...)
		} else {
			blocks = append(blocks, block)
		}
	}
	var left, right []string
	for _, block := range blocks {
		target := &left
		if column < width && len(right) < len(left) {
			target = &right
		}
		if len(*target) > 0 {
			*target = append(*target, "")
		}
		*target = append(*target, block...)
	}
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		if i < len(left) {
			lines[i] = left[i]
		}
		if i < len(right) {
			lines[i] = component.Fit(lines[i], column+4, component.Left) + right[i]
		}
	}
	return lines
}

func helpBlock(s keymap.Scope, width int, t *theme.Theme) []string {
	var block []string
	if s.Title != "" {
		block = append(block, t.Strong.Render(s.Title))
	}
	room := helpKeys
	if width < narrow {
		room = 7
	}
	for _, b := range s.Bindings {
		keys := component.Fit(allKeys(b, t), room, component.Left)
		block = append(block, t.Key.Render(keys)+" "+t.Dim.Render(component.Cut(b.Help, max(width-room-1, 0))))
	}
	return block
}

// allKeys names every key of a binding the way people write them.
func allKeys(b keymap.Binding, t *theme.Theme) string {
	names := map[string]string{
		"up": t.Glyph.Up, "down": t.Glyph.Down, "enter": t.Glyph.Enter,
	}
	text := ""
	for i, k := range b.Keys {
		if short, ok := names[k]; ok {
			k = short
		}
		if i > 0 {
			text += " "
		}
		text += k
	}
	return text
}
