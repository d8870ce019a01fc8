package page

import "github.com/artifacts-tui/artifacts-tui/ui/component"

// crumb is the row whose detail takes the page, where the list has no room beside or above it.
func (l *list) crumb(name func(i int) string) []string {
	if i := l.at(); i >= 0 && l.detailHeight() > 0 {
		return []string{component.Clean(name(i))}
	}
	return nil
}

// Crumbs name the workspace whose detail is open.
func (p *Workspaces) Crumbs() []string { return p.crumb(p.ID) }

// Crumbs name the mount whose detail is open.
func (p *Mounts) Crumbs() []string {
	return p.crumb(func(i int) string { return component.Home(p.ID(i), p.s.Home) })
}

// Crumbs name the source whose detail is open.
func (p *Credentials) Crumbs() []string { return p.crumb(p.ID) }
