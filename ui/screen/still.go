package screen

import (
	"reflect"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Still stops the clock by which Bubble Tea's program looks for something to draw, and reports
// whether there is one. It runs without a renderer too, at once a second or faster, and no option
// turns it off: each tick wakes four threads, 0.3 % of a processor of a small virtual machine all in
// all. It is for the program's own goroutine, once it runs and each time it resumes.
func Still(p *tea.Program) bool {
	ticker := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !ticker.IsValid() || ticker.Type() != reflect.TypeFor[*time.Ticker]() || ticker.IsNil() {
		return false
	}
	(*time.Ticker)(ticker.UnsafePointer()).Stop()
	return true
}
