package page

import (
	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// Capturing reports whether a filter is being typed.
func (p *Browser) Capturing() bool {
	if p.atPlaces() {
		return p.places.Capturing()
	}
	return p.filtering
}

// Input types into the filter.
func (p *Browser) Input(msg tea.Msg) {
	if p.atPlaces() {
		p.places.Input(msg)
		return
	}
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		p.filter.Key(msg)
	case tea.PasteMsg:
		_ = p.filter.Paste(msg.Content) // a filter with line breaks finds nothing anyway
	}
}

// Typed is what the filter asks for; the root asks after Input and Filtering.
func (p *Browser) Typed() action.Action {
	if o := p.s.Browser.Order; !p.atPlaces() && o.Filter != p.filter.Value() {
		o.Filter = p.filter.Value()
		return action.Arrange{Order: o}
	}
	return nil
}

// Filtering does what keys ask for while the filter is typed.
func (p *Browser) Filtering(a keymap.Action) {
	if p.atPlaces() {
		p.places.Filtering(a)
		return
	}
	switch a {
	case keymap.Confirm:
		p.filtering = false
	case keymap.Cancel:
		p.filtering = false
		p.filter.SetValue("")
	default:
		p.move(a)
	}
}
