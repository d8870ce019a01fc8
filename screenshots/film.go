package main

import (
	"fmt"
	"strings"
	"time"
)

// film is screens one after the other, each for a while.
type film struct {
	frames []screen
	shown  []time.Duration
}

// add shows s for d longer; a screen like the one before only lengthens that one.
func (f *film) add(s screen, d time.Duration) {
	if n := len(f.frames); n > 0 && f.frames[n-1].same(s) {
		f.shown[n-1] += d
		return
	}
	f.frames, f.shown = append(f.frames, s), append(f.shown, d)
}

func (s screen) same(other screen) bool {
	if s.width != other.width || s.height != other.height || s.cursor != other.cursor ||
		s.cursor && (s.cursorX != other.cursorX || s.cursorY != other.cursorY) {
		return false
	}
	for i := range s.cells {
		if s.cells[i] != other.cells[i] {
			return false
		}
	}
	return true
}

// svg plays the film over and over. What a line of the screen shows is drawn once, however often
// it comes back, and is seen at its times.
func (f *film) svg() string {
	if len(f.frames) == 0 {
		return ""
	}
	total := time.Duration(0)
	starts := make([]time.Duration, len(f.frames))
	for i, d := range f.shown {
		starts[i] = total
		total += d
	}
	var order []string              // what is drawn, in the order it comes
	times := map[string][]playing{} // when
	show := func(drawn string, i int) {
		if strings.TrimSpace(drawn) == "" {
			return
		}
		at := playing{starts[i], starts[i] + f.shown[i]}
		list := times[drawn]
		if list == nil {
			order = append(order, drawn)
		}
		if n := len(list); n > 0 && list[n-1].to == at.from {
			list[n-1].to = at.to
		} else {
			list = append(list, at)
		}
		times[drawn] = list
	}
	for i, s := range f.frames {
		for y := range s.height {
			var b strings.Builder
			s.row(&b, y)
			show(b.String(), i)
		}
		var b strings.Builder
		s.drawCursor(&b)
		show(b.String(), i)
	}
	var style, body strings.Builder
	rules := map[string]string{} // name of the keyframes, by their text
	for _, drawn := range order {
		if list := times[drawn]; len(list) == 1 && list[0].from == 0 && list[0].to == total {
			fmt.Fprintf(&body, "<g>%s</g>\n", strings.TrimSpace(drawn))
			continue
		}
		text := keyframes(times[drawn], total)
		name, known := rules[text]
		if !known {
			name = fmt.Sprintf("f%d", len(rules))
			rules[text] = name
			still := "" // what plays no animations shows the first picture
			if times[drawn][0].from == 0 {
				still = "visibility:visible;"
			}
			fmt.Fprintf(&style, "@keyframes %s{%s}.%s{%sanimation-name:%s}\n", name, text, name, still, name)
		}
		fmt.Fprintf(&body, "<g class=\"m %s\">%s</g>\n", name, strings.TrimSpace(drawn))
	}
	first := f.frames[0]
	var b strings.Builder
	first.open(&b, fmt.Sprintf("<style>.m{visibility:hidden;animation:%.2fs step-end infinite}\n%s</style>", total.Seconds(), style.String()))
	b.WriteString(body.String())
	b.WriteString("</g></svg>\n")
	return b.String()
}

type playing struct{ from, to time.Duration }

// keyframes says at which parts of the whole something is seen.
func keyframes(list []playing, total time.Duration) string {
	percent := func(at time.Duration) string { return fmt.Sprintf("%.3f%%", 100*at.Seconds()/total.Seconds()) }
	var b strings.Builder
	if list[0].from > 0 {
		b.WriteString("0%{visibility:hidden}")
	}
	for _, p := range list {
		fmt.Fprintf(&b, "%s{visibility:visible}", percent(p.from))
		if p.to < total {
			fmt.Fprintf(&b, "%s{visibility:hidden}", percent(p.to))
		}
	}
	return b.String()
}
