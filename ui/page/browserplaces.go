package page

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The columns of the places.
const (
	plName = iota
	plKind
	plSize
	plObjects
	plQuota
	plShare
)

// barWidth is the room of a quota bar with its percentage: "━━━━━━━━━━──── 62 %".
const barWidth = 22

// Of quota bars: from these shares on they warn (SPEC B26).
const (
	nearlyFull = 0.80
	full       = 0.95
)

// places are where objects are: the buckets of the mesh, then the workspaces.
type places struct {
	s     *session.Session
	theme *theme.Theme
}

func placeColumns() []component.Column {
	right := component.Right
	return []component.Column{
		plName:    {Title: "NAME", Min: 14, Max: 60, Flex: true},
		plKind:    {Title: "KIND", Min: 17, Drop: 2, Below: 44},
		plSize:    {Title: "SIZE", Down: true, Min: 9, Align: right},
		plObjects: {Title: "OBJECTS", Down: true, Min: 10, Align: right, Drop: 1, Below: 60},
		plQuota:   {Title: "QUOTA", Down: true, Min: 9, Align: right, Drop: 3, Below: 50},
		plShare:   {Title: "FULL", Down: true, Min: barWidth, Drop: 4, Below: 70},
	}
}

// place is a row.
type place struct {
	name          objects.Name
	kind          string
	size, objects int64 // -1: not known
	quota         int64 // 0: none
	bucket        *coordinator.Bucket
	workspace     *workspace.Workspace
}

func (p *places) at(i int) place {
	b := p.s.Browser.Buckets
	if i < len(b) {
		kind := "bucket"
		if reserved(b[i].Name) {
			kind = "system bucket"
		}
		return place{
			name: objects.Name{Kind: objects.Bucket, In: b[i].Name}, kind: kind,
			size: b[i].Used, objects: b[i].Objects, quota: b[i].Quota, bucket: &b[i],
		}
	}
	w := &p.s.Workspaces[i-len(b)]
	row := place{
		name: objects.Name{Kind: objects.Workspace, In: w.Name}, kind: string(w.Backend) + " workspace",
		size: -1, objects: -1, quota: w.Quota, workspace: w,
	}
	if w.Usage != nil {
		row.size, row.objects = w.Usage.Total(), w.Usage.Objects
	}
	return row
}

// reserved reports whether a bucket is the coordinator's own.
func reserved(bucket string) bool { return strings.HasPrefix(bucket, "_") }

// Len counts buckets and workspaces.
func (p *places) Len() int { return len(p.s.Browser.Buckets) + len(p.s.Workspaces) }

// ID is the place as people write it.
func (p *places) ID(i int) string { return p.at(i).name.String() }

// Text is what the filter looks through.
func (p *places) Text(i int) string { return p.at(i).name.In + "\n" + p.at(i).kind }

// Compare orders two places; by name the buckets come before the workspaces, and what is the
// coordinator's own last.
func (p *places) Compare(a, b, column int) int {
	x, y := p.at(a), p.at(b)
	switch column {
	case plKind:
		return cmp.Compare(x.kind, y.kind)
	case plSize:
		return -cmp.Compare(x.size, y.size)
	case plObjects:
		return -cmp.Compare(x.objects, y.objects)
	case plQuota:
		return -cmp.Compare(x.quota, y.quota)
	case plShare:
		return -cmp.Compare(x.share(), y.share())
	default:
		if rx, ry := reserved(x.name.In), reserved(y.name.In); rx != ry {
			if rx {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(x.name.Kind, y.name.Kind), cmp.Compare(strings.ToLower(x.name.In), strings.ToLower(y.name.In)))
	}
}

// share is how full the place is, 0 to 1.
func (p place) share() float64 {
	if p.quota <= 0 {
		return 0
	}
	return float64(p.size) / float64(p.quota)
}

// quotaStyle says by its colour how near to full something is; the number beside says it too.
func quotaStyle(share float64, t *theme.Theme) theme.Style {
	switch {
	case share >= full:
		return t.Bad
	case share >= nearlyFull:
		return t.Warn
	default:
		return t.Accent
	}
}

// Cell is what a column shows of a place.
func (p *places) Cell(i, column int) component.Cell {
	row, t := p.at(i), p.theme
	none := component.Cell{Text: "–", Style: t.Dim}
	switch column {
	case plName:
		if reserved(row.name.In) {
			return component.Cell{Text: component.Clean(row.name.In), Style: t.Dim}
		}
		return component.Cell{Text: component.Clean(row.name.In), Style: t.Text}
	case plKind:
		return component.Cell{Text: component.Clean(row.kind), Style: t.Dim}
	case plSize:
		if row.size < 0 {
			return none
		}
		return component.Cell{Text: component.Bytes(row.size), Style: t.Text}
	case plObjects:
		if row.objects < 0 {
			return none
		}
		return component.Cell{Text: component.Count(row.objects), Style: t.Text}
	case plQuota:
		if row.quota <= 0 {
			return none
		}
		return component.Cell{Text: component.Bytes(row.quota), Style: t.Text}
	default:
		if row.quota <= 0 {
			return component.Cell{} // the column before says it
		}
		share := row.share()
		style := quotaStyle(share, t)
		return component.Cell{Text: component.Bar(share, barWidth-6, style, t) + style.Render(fmt.Sprintf(" %3.0f %%", 100*share))}
	}
}

// Detail tells what is known of a place.
func (p *places) Detail(i, width int) [][]string {
	row, t := p.at(i), p.theme
	d := newSheet(row.name.In, width, t)
	d.say(t.Dim, component.Clean(row.kind))
	d.gap()
	if row.size >= 0 {
		d.pair("Size", component.Bytes(row.size))
		d.pair("Objects", component.Count(row.objects))
	}
	if row.quota > 0 {
		share := row.share()
		d.pair("Quota", component.Bytes(row.quota))
		style := quotaStyle(share, t)
		d.raw("", component.Bar(share, max(min(width-labelWidth-8, 24), 0), style, t)+style.Render(fmt.Sprintf(" %.0f %%", 100*share)))
	}
	if b := row.bucket; b != nil {
		d.pair("Owner", b.OwnerName)
		d.pair("Made", component.Clock(b.Created, p.s.Now))
		if b.PartBytes > 0 {
			d.pair("In flight", component.Bytes(b.PartBytes)+" of unfinished uploads")
		}
		if b.Missing != nil {
			d.styled("Missing", component.Plural(int(b.Missing.Objects), "object")+" that a backup knew of", t.Warn)
		}
	}
	if w := row.workspace; w != nil {
		d.pair("Bucket", w.Location())
		d.pair("Endpoint", w.Endpoint)
		if m := p.s.MountOf(*w); m != nil {
			d.pair("Mounted", component.Home(m.Mountpoint, p.s.Home))
		}
	}
	return d.sections()
}

// Empty says how to get a place.
func (p *places) Empty(width int) []string {
	t := p.theme
	switch {
	case p.s.Coordinator == session.Down:
		return downText(p.s.CoordinatorErr, width, t)
	case p.s.Browser.BucketsErr != nil && p.s.WorkspacesKnown:
		lines := []string{t.Strong.Render("The buckets could not be read.")}
		for _, line := range component.Wrap(component.Clean(p.s.Browser.BucketsErr.Error()), min(width, 72)) {
			lines = append(lines, t.Dim.Render(line))
		}
		return append(lines, t.Key.Render("R")+" tries again.")
	case !p.s.Browser.BucketsKnown || !p.s.WorkspacesKnown:
		return []string{t.Dim.Render("Reading the buckets…")}
	}
	return []string{
		t.Strong.Render("Nothing to browse yet."),
		t.Key.Render("b") + " makes a bucket in the mesh's store.",
		t.Key.Render("1") + " goes to the workspaces.",
	}
}
