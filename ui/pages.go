package ui

import (
	"strconv"

	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
)

// numbered are the pages in the order of their tabs, with the key that shows each. A page that
// is not there has no tab, and the others keep their numbers.
var numbered = []struct {
	name, short string
	key         keymap.Action
}{
	{"Workspaces", "Workspaces", keymap.Page1},
	{"Mounts", "Mounts", keymap.Page2},
	{"Browser", "Browser", keymap.Page3},
	{"Credentials", "Keys", keymap.Page4},
	{"Jobs", "Jobs", keymap.Page5},
	{"Coordinator", "Coord", keymap.Page6},
	{"Log", "Log", keymap.Page7},
}

// makePages makes the pages there are, in the order of numbered.
func (m *model) makePages() []page.Page {
	return []page.Page{
		page.NewWorkspaces(m.session, m.theme),
		page.NewMounts(m.session, m.theme),
		page.NewBrowser(m.session, m.theme),
		page.NewCredentials(m.session, m.theme),
		page.NewJobs(m.session, m.theme),
		page.NewCoordinator(m.session, m.theme),
		page.NewLog(m.session, m.toasts.All, m.coordinatorLog, m.theme),
	}
}

// tab is how a page is drawn in the header.
func (m *model) tab(p page.Page) component.Tab {
	for _, n := range numbered {
		if n.name == p.Name() {
			count := ""
			if running := m.session.JobsRunning(); n.name == "Jobs" && running > 0 {
				count = " " + m.theme.Glyph.Part + strconv.Itoa(running)
			}
			return component.Tab{Key: m.keys.Key(n.key, keymap.Everywhere), Name: n.name + count, Short: n.short + count}
		}
	}
	return component.Tab{Name: p.Name(), Short: p.Name()}
}

// showNumbered shows the page whose key a is; false where a is no page's, or the page is not there.
func (m *model) showNumbered(a keymap.Action) bool {
	for _, n := range numbered {
		if n.key != a {
			continue
		}
		for i, p := range m.pages {
			if p.Name() == n.name {
				m.show(i)
				return true
			}
		}
	}
	return false
}
