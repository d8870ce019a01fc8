package page

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the jobs.
const (
	jbState = iota
	jbKind
	jbWhat
	jbBar
	jbBytes
	jbObjects
	jbRate
	jbLeft
)

// Jobs is the page of what runs, and of what has run until it is cleared.
type Jobs struct {
	list
	s *session.Session
}

var _ Page = (*Jobs)(nil)

// NewJobs makes the page; it draws s with t.
func NewJobs(s *session.Session, t *theme.Theme) *Jobs {
	p := &Jobs{s: s}
	p.list = list{src: p, theme: t, noun: "job", beside: true}
	right := component.Right
	p.grid.Columns = []component.Column{
		jbState:   {Title: "STATE", Min: 11},
		jbKind:    {Title: "KIND", Min: 8, Drop: 2, Below: 100},
		jbWhat:    {Title: "WHAT", Min: 24, Max: 80, Flex: true},
		jbBar:     {Title: "DONE", Down: true, Min: barWidth - 6, Drop: 6, Below: 44},
		jbBytes:   {Title: "BYTES", Down: true, Min: 9, Align: right, Drop: 3, Below: 44},
		jbObjects: {Title: "OBJECTS", Down: true, Min: 9, Align: right, Drop: 1, Below: 80},
		jbRate:    {Title: "RATE", Down: true, Min: 10, Align: right, Drop: 4, Below: 60},
		jbLeft:    {Title: "LEFT", Min: 7, Align: right, Drop: 5, Below: 60},
	}
	p.Sync()
	return p
}

// Name is the tab's title.
func (p *Jobs) Name() string { return "Jobs" }

// Scope is that of the page's keys.
func (p *Jobs) Scope() string { return keymap.Jobs }

// Len is the number of jobs.
func (p *Jobs) Len() int { return len(p.s.Jobs) }

// ID is a job's.
func (p *Jobs) ID(i int) string { return p.s.Jobs[i].ID }

// Text is what the filter looks through.
func (p *Jobs) Text(i int) string {
	j := p.s.Jobs[i]
	return strings.Join([]string{j.Kind, j.Title, string(j.State)}, "\n")
}

// jobState is a job's state as a glyph and words. What runs comes first.
func jobState(j *jobs.Job, t *theme.Theme) state {
	switch {
	case j.State == jobs.Running:
		return state{t.Glyph.Part, "running", t.Accent, 0}
	case j.State == jobs.Queued:
		return state{t.Glyph.Wait, "queued", t.Dim, 1}
	case j.State == jobs.Failed, j.State == jobs.Done && j.ErrorCount > 0:
		return state{t.Glyph.Bad, "failed", t.Bad, 2}
	case j.Cleaning:
		return state{t.Glyph.Part, "cleaning", t.Dim, 1}
	case j.State == jobs.Cancelled:
		return state{t.Glyph.Off, "cancelled", t.Dim, 3}
	default:
		return state{t.Glyph.Done, "done", t.Good, 4}
	}
}

// Compare orders two jobs by a column: what runs first, then the newest.
func (p *Jobs) Compare(a, b, column int) int {
	x, y := &p.s.Jobs[a], &p.s.Jobs[b]
	switch column {
	case jbKind:
		return cmp.Compare(x.Kind, y.Kind)
	case jbWhat:
		return cmp.Compare(x.Title, y.Title)
	case jbBar:
		return -cmp.Compare(fraction(x), fraction(y))
	case jbBytes:
		return -cmp.Compare(x.Bytes, y.Bytes)
	case jbObjects:
		return -cmp.Compare(x.Objects, y.Objects)
	case jbRate:
		return -cmp.Compare(x.Rate, y.Rate)
	case jbLeft:
		return cmp.Compare(x.ETA, y.ETA)
	default:
		return cmp.Or(cmp.Compare(jobState(x, p.theme).rank, jobState(y, p.theme).rank), -cmp.Compare(a, b))
	}
}

// fraction is how much of a job is done, 0 to 1, by its bytes or else by its objects.
func fraction(j *jobs.Job) float64 {
	switch {
	case j.State == jobs.Done:
		return 1
	case j.BytesTotal > 0:
		return float64(j.Bytes) / float64(j.BytesTotal)
	case j.ObjectsTotal > 0:
		return float64(j.Objects) / float64(j.ObjectsTotal)
	}
	return 0
}

// Cell is what a column shows of a job.
func (p *Jobs) Cell(i, column int) component.Cell {
	j, t := &p.s.Jobs[i], p.theme
	none := component.Cell{Text: "–", Style: t.Dim}
	running := j.State == jobs.Running
	switch column {
	case jbState:
		st := jobState(j, t)
		if running && !p.grid.Shown(jbBar) {
			st.words = fmt.Sprintf("%.0f %%", 100*fraction(j))
		}
		return component.Cell{Text: st.String(), Style: st.style}
	case jbKind:
		return component.Cell{Text: component.Clean(j.Kind), Style: t.Dim}
	case jbWhat:
		title := p.title(j)
		if !p.grid.Shown(jbKind) {
			title = component.Clean(j.Kind) + " " + title
		}
		return component.Cell{Text: title, Style: t.Text}
	case jbBar:
		f := fraction(j)
		st := jobState(j, t)
		if j.Counting {
			return component.Cell{Text: component.Bar(f, barWidth-12, st.style, t) + t.Dim.Render("   ? %")}
		}
		return component.Cell{Text: component.Bar(f, barWidth-12, st.style, t) + st.style.Render(fmt.Sprintf(" %3.0f %%", 100*f))}
	case jbBytes:
		if j.Bytes == 0 && j.BytesTotal == 0 {
			return none
		}
		return component.Cell{Text: component.Bytes(j.Bytes), Style: t.Text}
	case jbObjects:
		if j.Objects == 0 && j.ObjectsTotal == 0 {
			return none
		}
		return component.Cell{Text: component.Count(j.Objects), Style: t.Text}
	case jbRate:
		if !running || j.Rate < 1 {
			return none
		}
		return component.Cell{Text: perSecond(float64(j.Rate)), Style: t.Accent}
	default:
		if !running || j.ETA <= 0 {
			return none
		}
		return component.Cell{Text: timeLeft(j.ETA), Style: t.Text}
	}
}

// title is the job's, with "~" for home.
func (p *Jobs) title(j *jobs.Job) string {
	title := j.Title
	if home := strings.TrimSuffix(p.s.Home, "/"); home != "" {
		title = strings.ReplaceAll(title, home+"/", "~/")
	}
	return component.Clean(title)
}

// timeLeft is a duration that is estimated: whole seconds at the least.
func timeLeft(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	}
	return component.Elapsed(d)
}

// Detail tells all there is to know of a job.
func (p *Jobs) Detail(i, width int) [][]string {
	j, t := &p.s.Jobs[i], p.theme
	d := newSheet(j.Kind, width, t)
	st := jobState(j, t)
	d.say(st.style, st.String())
	d.gap()
	d.say(t.Text, p.title(j))
	d.section()
	total := component.Bytes(j.Bytes)
	if j.BytesTotal > 0 {
		total += " of " + component.Bytes(j.BytesTotal)
	}
	d.pair("Bytes", total)
	objects := component.Count(j.Objects)
	if j.ObjectsTotal > 0 {
		objects += " of " + component.Count(j.ObjectsTotal)
		if j.Counting {
			objects += ", counting"
		}
	}
	d.pair("Objects", objects)
	if j.State == jobs.Running && j.Rate > 0 {
		d.pair("Rate", perSecond(float64(j.Rate)))
	}
	if j.State == jobs.Running && j.ETA > 0 {
		d.pair("Left", timeLeft(j.ETA))
	}
	d.pair("Started", component.Clock(j.Started, p.s.Now))
	if !j.Ended.IsZero() && !j.Started.IsZero() {
		d.pair("Took", component.Elapsed(j.Ended.Sub(j.Started)))
	}
	if j.Err != nil {
		d.section()
		d.say(t.Bad, component.Clean(j.Err.Error()))
		d.say(t.Dim, component.Clean(j.Err.Hint))
	}
	for n, e := range j.Errors {
		if n == 0 {
			d.section()
		}
		if n == shownFailures {
			d.say(t.Dim, fmt.Sprintf("and %d more", j.ErrorCount-n))
			break
		}
		d.say(t.Text, t.Glyph.Bad+" "+component.Clean(e.Error()))
	}
	return d.sections()
}

// Empty says what jobs are.
func (p *Jobs) Empty(width int) []string {
	t := p.theme
	lines := append([]string{t.Strong.Render("Nothing runs.")}, wrapped(t.Text, "Uploads, downloads, copies and deletions show here.", width)...)
	return append(lines, t.Key.Render("3")+" goes to the browser.")
}

func (p *Jobs) current() *jobs.Job {
	if i := p.at(); i >= 0 {
		return &p.s.Jobs[i]
	}
	return nil
}

// Disabled says why a key cannot work on the job under the cursor.
func (p *Jobs) Disabled(a keymap.Action) string {
	j := p.current()
	switch a {
	case keymap.CancelJob, keymap.Retry, keymap.ClearJob, keymap.ClearJobs:
		switch {
		case j == nil:
			return "there are no jobs"
		case a == keymap.CancelJob && j.State.Final():
			return "it has ended"
		case a == keymap.Retry && (!j.State.Final() || j.State == jobs.Done):
			return "only what failed or was cancelled can be tried again"
		case a == keymap.ClearJob && !j.State.Final():
			return "it has not ended; cancel it first"
		case a == keymap.ClearJobs && p.s.JobsRunning() == p.Len():
			return "none has ended"
		}
		return ""
	case keymap.Restore:
		if len(p.s.Doomed) == 0 {
			return "there is no deletion to take back"
		}
		return ""
	}
	return p.list.Disabled(a)
}

// Do does what a key asks for.
func (p *Jobs) Do(a keymap.Action) action.Action {
	if a == keymap.Open {
		a = keymap.Detail
	}
	if asked, done := p.handle(a); done {
		return asked
	}
	j := p.current()
	switch {
	case a == keymap.ClearJobs:
		return action.ForgetJobs{}
	case a == keymap.Restore:
		return action.Restore{}
	case j == nil:
	case a == keymap.CancelJob:
		return action.CancelJob{ID: j.ID}
	case a == keymap.Retry:
		return action.RetryJob{ID: j.ID}
	case a == keymap.ClearJob:
		return action.ForgetJobs{ID: j.ID}
	}
	return nil
}

// Command is the command line that did what the job does.
func (p *Jobs) Command() string {
	if j := p.current(); j != nil {
		return p.s.JobLine(j.ID)
	}
	return ""
}
