package screen

import (
	"testing"

	tea "charm.land/bubbletea/v2"
)

// leaves ends at the first message.
type leaves struct{}

func (leaves) Init() tea.Cmd                       { return nil }
func (leaves) Update(tea.Msg) (tea.Model, tea.Cmd) { return leaves{}, tea.Quit }
func (leaves) View() tea.View                      { return tea.View{} }

// SPEC D7: the clock of Bubble Tea's program is where it is looked for; another version may keep it
// elsewhere.
func TestStill(t *testing.T) {
	var p *tea.Program
	asked, still := 0, 0
	p = tea.NewProgram(leaves{}, tea.WithContext(t.Context()), tea.WithInput(nil), tea.WithoutRenderer(), tea.WithWindowSize(80, 24),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			asked++
			if Still(p) {
				still++
			}
			return msg
		}))
	if Still(p) {
		t.Error("a program that does not run has a clock")
	}
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if asked == 0 || still != asked {
		t.Errorf("found %d times of %d", still, asked)
	}
}
