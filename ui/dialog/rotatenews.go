package dialog

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// Notify takes in what a step waited for.
func (d *Rotate) Notify(msg any) action.Action {
	d.hear(msg)
	switch msg := msg.(type) {
	case session.RotationRead:
		if d.step != stepWhat || d.busy == "" {
			return nil
		}
		d.busy = ""
		if d.err = msg.Err; msg.Err == nil {
			d.begin(msg)
		}
	case session.PairIssued:
		if d.step != stepPair || d.busy == "" {
			return nil
		}
		d.busy = ""
		if d.err = msg.Err; msg.Err == nil && !d.abandon {
			return d.verify(msg.Pair)
		}
	case session.RotationTried:
		if d.step == stepVerify && !d.checked && msg.Fingerprint == d.pair.Fingerprint() {
			d.checks = append(d.checks, msg.Result)
			if len(d.checks) == len(d.rotation.Uses) { // the last tick is the end
				d.busy, d.checked = "", true
			}
		}
	case session.RotationVerified:
		if d.step != stepVerify || msg.Fingerprint != d.pair.Fingerprint() || errors.Is(msg.Err, context.Canceled) {
			return nil
		}
		d.busy, d.checked = "", true
		d.checks, d.err = msg.Results, msg.Err
	case session.RotationSaved:
		if d.step != stepSave {
			return nil
		}
		d.busy = ""
		if d.err = msg.Err; msg.Err == nil {
			d.mounts()
			return action.KeepDraft{}
		}
	case session.Refreshed:
		return d.refreshed(msg)
	case session.RotationEnded:
		if d.step != stepMounts {
			return nil
		}
		d.busy = ""
		if d.err = msg.Err; msg.Err == nil {
			d.step, d.abandon = stepDone, false // there is nothing left to leave
		}
	}
	return nil
}

// begin goes on from the first step: where a pair had been saved before, to the last.
func (d *Rotate) begin(msg session.RotationRead) {
	d.rotation = msg.Rotation
	if d.resumed = msg.Rotation.Saved; d.resumed {
		d.mounts()
		return
	}
	d.step = stepPair
	if d.form.Value(pairCommand) != "" {
		d.form.Focus(pairCommand)
	}
}

// mounts goes to the step that asks what each mount does.
func (d *Rotate) mounts() {
	d.step, d.at, d.choices = stepMounts, 0, nil
	for _, u := range d.rotation.Uses {
		for _, m := range u.Mounts {
			c := choice{mountpoint: m.Mountpoint, do: keepPair}
			if d.resumed && m.Fingerprint == d.rotation.Current.Fingerprint {
				c.done, c.do = true, refreshPair
			}
			d.choices = append(d.choices, c)
		}
	}
}

func (d *Rotate) refreshed(msg session.Refreshed) action.Action {
	for i := range d.choices {
		c := &d.choices[i]
		if !c.busy || c.mountpoint != msg.Mountpoint {
			continue
		}
		c.busy, c.done, c.err, c.former = false, msg.Err == nil, msg.Err, msg.Result.FormerRequests
		return d.nextMount()
	}
	return nil
}
