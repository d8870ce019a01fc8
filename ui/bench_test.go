package ui

import (
	"context"
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// A key and the screen after it, without the terminal.
func BenchmarkKey(b *testing.B) {
	for _, size := range [][2]int{{120, 32}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			f := aFew()
			m := newModel(context.Background(), Options{App: f, Env: []string{"HOME=" + testHome}, Keys: DefaultKeys()}, start)
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			m.Update(session.CoordinatorRead{At: start})
			m.Update(session.WorkspacesRead{List: many(2000), At: start})
			m.Update(session.MountsRead{List: f.mounts, At: start})
			b.ResetTimer()
			for b.Loop() {
				m.Update(keyOf("j"))
				m.View()
			}
		})
	}
}

// A key and the screen after it, in a folder of a million objects.
func BenchmarkKeyInAMillion(b *testing.B) {
	f := folderOf(0, 1000)
	ctx := b.Context()
	m := newModel(ctx, Options{App: million{f}, Env: []string{"HOME=" + testHome}, Keys: DefaultKeys()}, start)
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 32})
	var run func(cmd tea.Cmd)
	run = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				go run(c)
			}
		case session.Listed:
			listed <- msg
		}
	}
	m.Update(keyOf("3"))
	go run(m.session.Browse(objects.Name{Kind: objects.Bucket, In: "million"}))
	for m.session.Browser.State != session.Whole {
		_, cmd := m.Update(<-listed)
		if m.session.Browser.State == session.Paused {
			go run(m.session.More(true))
		}
		go run(cmd)
	}
	if n := m.session.Browser.List.Len(); n != 1_000_000 {
		b.Fatalf("%d are listed", n)
	}
	for b.Loop() {
		m.Update(keyOf("j"))
		m.View()
	}
}

var listed = make(chan session.Listed)

// million is a store of a million objects.
type million struct{ *fake }

func (million) ListObjects(_ context.Context, _ objects.Name, page func([]objects.Object) error) error {
	list := make([]objects.Object, 1000)
	for n := range 1000 {
		for i := range list {
			list[i] = objects.Object{Key: fmt.Sprintf("object-%07d", 1000*n+i), Size: int64(i), Modified: start}
		}
		if err := page(list); err != nil {
			return err
		}
	}
	return nil
}
