package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hinshun/vt10x"
)

func TestParse(t *testing.T) {
	steps, err := parse("# a comment\n\nsize 80 24\nkey j k\n  wait two  words \n")
	if err != nil || len(steps) != 3 || steps[1].verb != "key" || steps[1].rest != "j k" || steps[2].rest != "two  words" || steps[2].line != 5 {
		t.Errorf("%+v, %v", steps, err)
	}
	for _, bad := range []string{"jump", "size 80", "size a b"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// The scenes in the repository can be played, as far as their text goes.
func TestScenesParse(t *testing.T) {
	files, err := filepath.Glob("scenes/*.scene")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenes: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, st := range steps {
			if st.verb != "key" {
				continue
			}
			for _, key := range strings.Fields(st.rest) {
				if _, err := bytesOf(key); err != nil {
					t.Errorf("%s:%d: %v", file, st.line, err)
				}
			}
		}
	}
}

func TestKeyBytes(t *testing.T) {
	for key, want := range map[string]string{"enter": "\r", "ctrl+r": "\x12", "j": "j", "?": "?", "shift+tab": "\x1b[Z", "é": "é"} {
		if got, err := bytesOf(key); err != nil || got != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	if _, err := bytesOf("hyper+x"); err == nil {
		t.Error("hyper+x was accepted")
	}
}

func TestWholeRunes(t *testing.T) {
	s := []byte("a…b⏎")
	for cut := range s {
		n := wholeRunes(s[:cut])
		if n > cut || strings.ContainsRune(string(s[:n]), '\ufffd') || cut-n > 2 {
			t.Errorf("cut at %d: %d whole", cut, n)
		}
	}
	if wholeRunes(s) != len(s) {
		t.Error("a whole text was cut")
	}
}

// What a program writes cannot leave the text it is in.
func TestSVG(t *testing.T) {
	term := vt10x.New(vt10x.WithSize(12, 2))
	_, _ = term.Write([]byte("\x1b[1;38;2;60;207;192m<b>&\x1b[m ─│ ⏎\r\n\x1b[7mrev\x1b[m"))
	p := &player{screen: term, width: 12, height: 2}
	svg := p.look().svg()
	for _, want := range []string{` font-weight="bold">&lt;b&gt;&amp;</text>`, `<path d="M`, `fill="#d5dce3"/>`, `fill="#0e1318" textLength="25.2" lengthAdjust="spacingAndGlyphs">rev<`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is not in\n%s", want, svg)
		}
	}
}

// A film draws each line once and shows it at its times.
func TestFilm(t *testing.T) {
	term := vt10x.New(vt10x.WithSize(8, 2))
	p := &player{screen: term, width: 8, height: 2}
	f := &film{}
	for i, text := range []string{"one\r\ntwo", "\x1b[2;1H\x1b[K", "\x1b[2;1Htwo"} {
		_, _ = term.Write([]byte(text))
		_, _ = term.Write([]byte("\x1b[?25l"))
		f.add(p.look(), time.Second)
		f.add(p.look(), time.Duration(i)*time.Second) // the same, for longer
	}
	svg := f.svg()
	for _, want := range []string{
		"animation:6.00s step-end infinite", "0.000%{visibility:visible}16.667%{visibility:hidden}50.000%{visibility:visible}",
		`<g><text x="0.0" y="14.0"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is not in\n%s", want, svg)
		}
	}
	if n := strings.Count(svg, ">two<"); n != 1 {
		t.Errorf("two is drawn %d times", n)
	}
}
