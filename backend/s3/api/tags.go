package api

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
)

// Limits of a tag set, in tags and Unicode characters:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html.
const (
	tagsMax     = 10
	tagKeyMax   = 128
	tagValueMax = 256
)

type taggingRequest struct {
	XMLName xml.Name `xml:"Tagging"`
	TagSet  *struct {
		Tags []struct{ Key, Value string } `xml:"Tag"`
	}
}

func invalidTag(message string) error {
	return fail(http.StatusBadRequest, "InvalidTag", "%s", message)
}

// addTag checks a tag and adds it to a set that was there before it.
func addTag(tags map[string]string, key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > tagKeyMax || !tagText(key):
		return invalidTag("The TagKey you have provided is invalid")
	case utf8.RuneCountInString(value) > tagValueMax || !tagText(value):
		return invalidTag("The TagValue you have provided is invalid")
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return invalidTag("System tags cannot be added/updated by requester")
	case len(tags) == tagsMax:
		return fail(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than 10")
	}
	tags[key] = value
	return nil
}

// tagText allows letters, numbers and spaces of any script and _.:/=+-@.
func tagText(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// tags reads the document of PutObjectTagging.
func (in taggingRequest) tags() (map[string]string, error) {
	if in.TagSet == nil {
		return nil, malformed()
	}
	tags := map[string]string{}
	for _, t := range in.TagSet.Tags {
		if _, twice := tags[t.Key]; twice {
			return nil, invalidTag("Cannot provide multiple Tags with the same key")
		}
		if err := addTag(tags, t.Key, t.Value); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// taggingHeader reads x-amz-tagging, "key=value&…" URL-encoded; nil where it is not there.
func taggingHeader(v string) (map[string]string, error) {
	if v == "" {
		return nil, nil
	}
	pairs, err := url.ParseQuery(v)
	if err != nil {
		return nil, badTagging()
	}
	tags := map[string]string{}
	for key, values := range pairs {
		if len(values) > 1 {
			return nil, badTagging()
		}
		if err := addTag(tags, key, values[0]); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

func badTagging() error {
	return invalid("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
}

func (q *request) getTagging() error {
	if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
		return err
	}
	o, err := q.store.Head(q.r.Context(), q.bucket, q.key)
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(o.Tags))
	for k := range o.Tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var x xmlWriter
	x.root("Tagging")
	x.open("TagSet")
	for _, k := range keys {
		x.open("Tag")
		x.text("Key", k)
		x.text("Value", o.Tags[k])
		x.close("Tag")
	}
	x.close("TagSet")
	x.close("Tagging")
	q.xml(http.StatusOK, &x)
	return nil
}

func (q *request) putTagging() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	var in taggingRequest
	if err := q.parse(&in, smallXML); err != nil {
		return err
	}
	if err := q.still(authz.Write); err != nil {
		return err
	}
	tags, err := in.tags()
	if err != nil {
		return err
	}
	return q.setTags(tags, http.StatusOK)
}

func (q *request) deleteTagging() error {
	if err := q.allow(authz.Write, q.bucket, q.key); err != nil {
		return err
	}
	return q.setTags(nil, http.StatusNoContent)
}

func (q *request) setTags(tags map[string]string, status int) error {
	if err := q.store.SetTags(q.r.Context(), q.bucket, q.key, tags); err != nil {
		return err
	}
	q.w.WriteHeader(status)
	return nil
}
