package ui

import "github.com/artifacts-tui/artifacts-tui/ui/page"

// kept is how the app was left, for the next run.
type kept struct {
	Page  string               `json:"page"`
	Pages map[string]page.Kept `json:"pages"`
}

// keep is how the app is now.
func (m *model) keep() kept {
	k := kept{Page: m.page().Name(), Pages: map[string]page.Kept{}}
	for _, p := range m.pages {
		if keeper, ok := p.(page.Keeper); ok {
			k.Pages[p.Name()] = keeper.Kept()
		}
	}
	return k
}

// restore takes up what keep gave. Pages that are not there are passed over.
func (m *model) restore(k kept) {
	for i, p := range m.pages {
		keeper, ok := p.(page.Keeper)
		if was, known := k.Pages[p.Name()]; ok && known {
			keeper.Restore(was)
		}
		if p.Name() == k.Page {
			m.show(i)
		}
	}
}
