package page

import (
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
)

// crumbLines is the room of the breadcrumbs.
func (p *Browser) crumbLines() int {
	if p.height < 6 {
		return 0
	}
	return 1
}

func (p *Browser) clickCrumb(x int) action.Action {
	at := p.s.Browser.At
	if at.Kind == "" {
		return nil
	}
	end := 2 + len("Places") + 1
	if x < end {
		return action.Browse{}
	}
	path := ""
	for i, crumb := range breadcrumbs(at) {
		if i > 0 {
			path += crumb + "/"
		}
		end += 3 + component.Width(component.Clean(crumb))
		if x < end && path != at.Path {
			return action.Browse{At: at.At(path)}
		}
	}
	return nil
}

// crumbs is the line that says where this is.
func (p *Browser) crumbs(width int) string {
	t, at := p.theme, p.s.Browser.At
	if at.Kind == "" {
		return component.Fit("  "+t.Strong.Render("Places"), width, component.Left)
	}
	list := breadcrumbs(at)
	for i := range list {
		list[i] = component.Clean(list[i])
	}
	sep := t.Faint.Render(" › ")
	// The folders in the middle go where room is short.
	for i := 1; crumbsWidth(list) > width-4 && len(list) > 2 && i < len(list)-1; {
		if list[i] == "…" {
			list = append(list[:i], list[i+1:]...)
		} else {
			list[i] = "…"
		}
	}
	out := "  " + t.Dim.Render("Places")
	for i, crumb := range list {
		if i == len(list)-1 {
			out += sep + t.Strong.Render(crumb)
		} else {
			out += sep + t.Text.Render(crumb)
		}
	}
	return component.Fit(out, width, component.Left)
}

func crumbsWidth(list []string) int {
	sum := len("  Places")
	for _, crumb := range list {
		sum += 3 + component.Width(crumb)
	}
	return sum
}
