package ui

import (
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
)

// paletteEntries lists every action there is on the pages: those of this page and of everywhere
// first, then those of the other pages, which say where they work.
func (m *model) paletteEntries() []dialog.Entry {
	var entries []dialog.Entry
	listed := map[keymap.Action]bool{keymap.Commands: true}
	for _, b := range m.keys.Bindings(m.page().Scope(), keymap.Everywhere, keymap.List, keymap.Always) {
		if listed[b.Action] {
			continue
		}
		listed[b.Action] = true
		entries = append(entries, dialog.Entry{
			Action: b.Action, Title: b.Help, Key: b.Shown(),
			Command: m.commandOf(m.page(), b.Action), Reason: m.disabled(b.Action),
		})
	}
	for _, p := range m.pages {
		for _, b := range m.keys.Bindings(scopesOf(p)...) {
			if listed[b.Action] {
				continue
			}
			listed[b.Action] = true
			tab := m.tab(p)
			entries = append(entries, dialog.Entry{
				Action: b.Action, Title: b.Help, Key: b.Shown(),
				Command: m.commandOf(p, b.Action), Reason: "works on page " + tab.Key + ", " + tab.Name,
			})
		}
	}
	return entries
}

// scopesOf are the scopes of a page, which may have one a section.
func scopesOf(p page.Page) []string {
	if sectioned, ok := p.(interface{ Scopes() []string }); ok {
		return sectioned.Scopes()
	}
	return []string{p.Scope()}
}

// commandOf is the command line of an action on the row under the cursor of p, or "".
func (m *model) commandOf(p page.Page, a keymap.Action) string {
	if c, ok := p.(page.Commander); ok {
		return c.CommandOf(a)
	}
	return ""
}
