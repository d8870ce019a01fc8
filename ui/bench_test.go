package ui

import (
	"context"
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"

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
