package cmd

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
)

// job runs a transfer, and shows on standard error how far it is where that is a terminal. What
// a cancelled one had begun is taken away before job returns.
func (c *cli) job(ctx context.Context, kind, title string, r objects.Request, do func(context.Context, objects.Request) (objects.Result, error)) (objects.Result, error) {
	var result objects.Result
	var err error
	m := jobs.New(1)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	shown := c.showProgress(watching, m)
	id := m.Start(kind, title, func(job context.Context, p *jobs.Progress) error {
		r.Report = p
		result, err = do(job, r)
		return err
	})
	end := context.AfterFunc(ctx, func() { _ = m.Cancel(id) })
	defer end()
	_, _ = m.Wait(context.WithoutCancel(ctx), id)
	stop()
	<-shown
	for _, e := range result.Errors {
		if result.Failed > 1 && c.format == "text" {
			fmt.Fprintln(c.err, "failed: "+clean(e.Error()))
		}
	}
	return result, err
}

// showProgress draws one line until ctx ends, and closes shown when it is gone.
func (c *cli) showProgress(ctx context.Context, m *jobs.Manager) (shown chan struct{}) {
	shown = make(chan struct{})
	file := c.canvas()
	if file == nil {
		close(shown)
		return shown
	}
	events := m.Subscribe(ctx)
	go func() {
		defer close(shown)
		drawn := false
		for j := range events {
			if j.State != jobs.Running {
				continue
			}
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil || width <= 0 {
				width = 80
			}
			fmt.Fprintf(file, "\r\x1b[K%s", progressLine(j, width-1))
			drawn = true
		}
		if drawn {
			fmt.Fprint(file, "\r\x1b[K")
		}
	}()
	return shown
}

// progressLine is a job in width columns: a bar, and what fits beside it.
func progressLine(j jobs.Job, width int) string {
	more := ""
	if j.Counting {
		more = "+"
	}
	text := fmt.Sprintf(" %d/%d%s objects  %s of %s%s", j.Objects, j.ObjectsTotal, more, oneDigit(j.Bytes), oneDigit(j.BytesTotal), more)
	if j.Rate > 0 {
		text += fmt.Sprintf("  %s/s", oneDigit(j.Rate))
	}
	if j.ETA > 0 {
		text += fmt.Sprintf("  %s left", j.ETA)
	}
	if j.ErrorCount > 0 {
		text += fmt.Sprintf("  %d failed", j.ErrorCount)
	}
	// It becomes shorter before it goes, by steps: one that comes and goes as the text does flickers.
	if bar := min(20, (width-len(text)-3)/5*5); bar >= 5 {
		full := 0
		if j.BytesTotal > 0 {
			full = int(min(int64(bar)*j.Bytes/j.BytesTotal, int64(bar)))
		}
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", bar-full) + "]" + text
	}
	return text[:min(len(text), max(width, 0))]
}
