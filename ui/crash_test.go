package ui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/page"
)

// brittle is a page that breaks where a test wants it to.
type brittle struct {
	page.Page
	in    string
	sized *bool
}

func (b brittle) SetSize(width, height int) {
	*b.sized = width > 0
	b.Page.SetSize(width, height)
}

func (b brittle) View() []string {
	if b.in == "View" {
		panic("a view broke with " + testSecret)
	}
	return b.Page.View()
}

func (b brittle) Sync() {
	if b.in == "Update" && *b.sized { // the report is to tell the size
		panic("an update broke with " + testSecret)
	}
	b.Page.Sync()
}

// A panic in Update, in View or in a command ends the app with the terminal restored; the report
// has the stack and the size and no secret, and the error says where it is.
func TestPanicsInATerminal(t *testing.T) {
	for _, in := range []string{"Update", "View", "Mount"} {
		t.Run(in, func(t *testing.T) {
			state := t.TempDir()
			x := inTerminal(t, "panic-"+in, 80, 24, "XDG_STATE_HOME="+state)
			if in == "Mount" {
				x.sees("5 workspaces")
				x.write("m")
				x.sees("Mount build-cache")
				x.write("\r")
			}
			if code := x.exit(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			x.restored()
			out := x.output()
			if strings.Contains(out, "goroutine ") || strings.Contains(out, testSecret) {
				t.Errorf("a stack or a secret was written to the terminal: %q", out[max(len(out)-1500, 0):])
			}
			reports, _ := filepath.Glob(filepath.Join(state, "tui-crash-*"))
			if len(reports) != 1 {
				t.Fatalf("reports: %v\n%s", reports, out)
			}
			if !strings.Contains(out, "Error: the terminal app broke: ") || !strings.Contains(out, reports[0]) {
				t.Errorf("the error does not point to the report: %q", out[max(len(out)-400, 0):])
			}
			text, err := os.ReadFile(reports[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"goroutine ", "size:    ", "version: test"} {
				if !strings.Contains(string(text), want) {
					t.Errorf("%q is not in the report", want)
				}
			}
			if strings.Contains(string(text), testSecret) {
				t.Error("a secret is in the report")
			}
		})
	}
}

// A panic in any command of a batch is caught, however deep it is.
func TestPanicInABatch(t *testing.T) {
	m := newModel(context.Background(), Options{App: aFew(), Keys: DefaultKeys()}, start)
	cmd := guardAll(tea.Batch(func() tea.Msg { return tea.Batch(nil, func() tea.Msg { panic("deep") })() }, func() tea.Msg { return nil }))
	var play func(cmd tea.Cmd)
	play = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				play(c)
			}
		case nil:
		default:
			guarded{model: m}.Update(msg)
		}
	}
	play(cmd)
	if m.err == nil || !strings.Contains(m.err.Error(), "deep") {
		t.Errorf("the panic was not caught: %v", m.err)
	}
}

// How the app was left is how the next run begins: page, cursor, sort, filter, split.
func TestKeptBetweenRuns(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.press("s", "S", "/")
	d.text("e")
	d.press("enter", "space", "j")
	selected := d.m.page().(page.Keeper).Kept().Cursor
	d.press("2", "G")
	left := d.m.keep()

	next := driveUnstarted(t, aFew(), 120, 32)
	next.m.restore(left)
	next.run(next.m.session.Start())
	next.clear()
	next.sees("MOUNTPOINT", "▸ ~/mnt/train")
	next.press("1")
	next.sees("▸ "+selected, "BACKEND↓", "/e")
	next.seesNot("│ ")

	// A state of another version, with pages and rows that are not there, does no harm.
	odd := driveUnstarted(t, aFew(), 80, 24)
	odd.m.restore(kept{Page: "Elsewhere", Pages: map[string]page.Kept{"Workspaces": {Sort: "WEIGHT", Cursor: "gone"}}})
	odd.run(odd.m.session.Start())
	odd.sees("5 workspaces")
}

// Random keys, texts, clicks and sizes over every page and dialog: nothing panics and every frame
// is whole.
func TestRandomKeysAndSizes(t *testing.T) {
	var keys []string
	for _, s := range DefaultKeys() {
		for _, b := range s.Bindings {
			if b.Action != "leave" && b.Action != "suspend" {
				keys = append(keys, b.Keys...)
			}
		}
	}
	rounds := 40
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			d := drive(t, withCredentials(), 20+r.IntN(160), 5+r.IntN(50))
			for range 60 {
				switch r.IntN(8) {
				case 0:
					d.send(tea.WindowSizeMsg{Width: r.IntN(220), Height: r.IntN(70)})
				case 1:
					d.send(tea.MouseClickMsg{X: r.IntN(200), Y: r.IntN(60), Button: tea.MouseLeft})
				case 2:
					d.send(tea.MouseWheelMsg{Button: []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown}[r.IntN(2)]})
				case 3:
					d.paste([]string{"text", "ünï\ncode", "世界"}[r.IntN(3)])
				default:
					d.press(keys[r.IntN(len(keys))])
				}
			}
			for _, size := range [][2]int{{0, 0}, {1, 1}, {39, 9}, {40, 10}, {60, 16}, {100, 30}} {
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			}
		})
	}
}
