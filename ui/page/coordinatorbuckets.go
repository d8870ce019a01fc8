package page

import (
	"cmp"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the buckets.
const (
	buName = iota
	buOwner
	buUsed
	buQuota
	buFull
	buObjects
	buKept
)

// gaugeWidth is the bar of a quota in a list, without its share.
const gaugeWidth = 10

// buckets is the section of the buckets that this user may see.
type buckets struct{ rows[coordinator.Bucket] }

func newBuckets(s *session.Session, t *theme.Theme) *buckets {
	p := &buckets{rows[coordinator.Bucket]{
		s: s, title: "Buckets", keys: keymap.Buckets,
		of: func(st control.State) []coordinator.Bucket { return st.Buckets },
	}}
	p.none = p.howTo
	right := component.Right
	p.over(p, "bucket", t, []component.Column{
		buName:    {Title: "BUCKET", Min: 10, Max: 40, Flex: true},
		buOwner:   {Title: "OWNER", Min: 8, Max: 20, Drop: 3, Below: 64},
		buUsed:    {Title: "SIZE", Down: true, Min: 8, Align: right, Drop: 5, Below: 34},
		buQuota:   {Title: "QUOTA", Down: true, Min: 8, Align: right, Drop: 4, Below: 56},
		buFull:    {Title: "FULL", Down: true, Min: gaugeWidth + 6, Drop: 6, Below: 48},
		buObjects: {Title: "OBJECTS", Down: true, Min: 8, Align: right, Drop: 2, Below: 76},
		buKept:    {Title: "KEPT", Down: true, Min: 6, Align: right, Drop: 1, Below: 84},
	})
	return p
}

// ID is a bucket's name.
func (p *buckets) ID(i int) string { return p.row(i).Name }

// Text is what the filter looks through.
func (p *buckets) Text(i int) string { return p.row(i).Name + "\n" + owner(p.row(i)) }

func owner(b coordinator.Bucket) string { return cmp.Or(b.OwnerName, b.Owner) }

// Compare orders two buckets by a column; of numbers the largest come first.
func (p *buckets) Compare(a, b, column int) int {
	x, y := p.row(a), p.row(b)
	full := func(b coordinator.Bucket) float64 {
		if b.Quota == 0 {
			return -1
		}
		return float64(b.Used) / float64(b.Quota)
	}
	switch column {
	case buOwner:
		return cmp.Compare(owner(x), owner(y))
	case buUsed:
		return -cmp.Compare(x.Used, y.Used)
	case buQuota:
		return -cmp.Compare(x.Quota, y.Quota)
	case buFull:
		return -cmp.Compare(full(x), full(y))
	case buObjects:
		return -cmp.Compare(x.Objects, y.Objects)
	case buKept:
		return -cmp.Compare(x.Recycle, y.Recycle)
	}
	// The coordinator's own come last.
	own := func(b coordinator.Bucket) int { return map[bool]int{true: 1}[store.Reserved(b.Name)] }
	return cmp.Or(cmp.Compare(own(x), own(y)), cmp.Compare(x.Name, y.Name))
}

// Cell is what a column shows of a bucket.
func (p *buckets) Cell(i, column int) component.Cell {
	b, t := p.row(i), p.theme
	none := component.Cell{Text: "–", Style: t.Dim}
	switch column {
	case buName:
		style := t.Text
		if store.Reserved(b.Name) {
			style = t.Dim
		}
		return component.Cell{Text: component.Clean(b.Name), Style: style}
	case buOwner:
		return component.Cell{Text: component.Clean(owner(b)), Style: t.Dim}
	case buUsed:
		return component.Cell{Text: component.Bytes(b.Used), Style: t.Text}
	case buQuota:
		if b.Quota == 0 {
			return none
		}
		return component.Cell{Text: component.Bytes(b.Quota), Style: t.Text}
	case buFull:
		if b.Quota == 0 {
			return component.Cell{} // the column before says it
		}
		return gauge(b.Used, b.Quota, gaugeWidth, t)
	case buObjects:
		return component.Cell{Text: component.Count(b.Objects), Style: t.Text}
	}
	if b.Recycle == 0 {
		return none
	}
	return component.Cell{Text: control.DurationWord(b.Recycle), Style: t.Text}
}

// Detail tells all of a bucket.
func (p *buckets) Detail(i, width int) [][]string {
	b, t := p.row(i), p.theme
	d := newSheet(b.Name, width, t)
	d.gap()
	d.pair("Owner", owner(b))
	d.pair("Created", b.Created.Local().Format("2 Jan 2006 15:04"))
	d.quota(b.Used, b.Quota)
	d.pair("Objects", component.Count(b.Objects))
	if b.PartBytes > 0 {
		d.pair("In flight", component.Bytes(b.PartBytes)+" of unfinished uploads")
	}
	d.section()
	if b.Recycle > 0 {
		d.pair("Deleted", "kept for "+control.DurationWord(b.Recycle))
	} else {
		d.styled("Deleted", "gone for good", t.Dim)
	}
	if b.Missing != nil {
		d.styled("Missing", component.Plural(int(b.Missing.Objects), "object")+", "+component.Bytes(b.Missing.Bytes)+", known to the backup of "+b.KnownAt.Local().Format("2 Jan 2006"), t.Bad)
	}
	return d.sections()
}

// quota writes what is used of a quota, with a bar where there is one.
func (d *sheet) quota(used, of int64) {
	t := d.theme
	d.pair("Size", component.Bytes(used))
	if of <= 0 {
		d.styled("Quota", "unlimited", t.Dim)
		return
	}
	style := t.Text
	if s := fullness(used, of, t); s != t.Accent {
		style = s
	}
	d.styled("Quota", share(used, of)+" of "+component.Bytes(of), style)
	d.raw("", component.Bar(float64(used)/float64(of), max(min(d.width-labelWidth-1, 24), 0), fullness(used, of, t), t))
}

// howTo says how to get a bucket.
func (p *buckets) howTo(width int) []string {
	if reason := p.refuse(keymap.BucketCreate); reason != "" {
		return forAdmins("There are no buckets that you may see.", p.s, width, p.theme)
	}
	return []string{p.theme.Strong.Render("No buckets yet."), p.theme.Key.Render("n") + " makes one."}
}

func (p *buckets) refuse(a keymap.Action) string { return refuseBucket(p.s, p.current(), a) }

func (p *buckets) own(a keymap.Action) action.Action {
	name := ""
	if b := p.current(); b != nil {
		name = b.Name
	}
	return onBucket(name, a)
}

func (p *buckets) line(a keymap.Action) string {
	b := p.current()
	if a != "" {
		return bucketLine(b, a)
	}
	if b != nil {
		return commandline.Line("", "bucket", "info", b.Name)
	}
	return commandline.Line("", "bucket", "list")
}
