package component

import "testing"

func TestFuzzy(t *testing.T) {
	for _, c := range []struct {
		needle string
		best   string // before other
		other  string // "": only that best matches
	}{
		{"mount", "mount the workspace", "drain and unmount it"},
		{"unm", "drain and unmount it", ""},
		{"hp", "half a page up", "to the help page of this"},
		{"ROT pair", "rotate the pair", ""},
		{"", "anything", ""},
	} {
		best, ok := Fuzzy(c.needle, c.best)
		if !ok {
			t.Errorf("%q is not found in %q", c.needle, c.best)
		}
		if c.other == "" {
			continue
		}
		if other, ok := Fuzzy(c.needle, c.other); !ok || other >= best {
			t.Errorf("%q: %q has %d, %q has %d (%v)", c.needle, c.best, best, c.other, other, ok)
		}
	}
	for _, c := range [][2]string{{"xyz", "mount"}, {"tm", "mt"}, {"mount zebra", "mount the workspace"}} {
		if score, ok := Fuzzy(c[0], c[1]); ok {
			t.Errorf("%q is found in %q with %d", c[0], c[1], score)
		}
	}
}
