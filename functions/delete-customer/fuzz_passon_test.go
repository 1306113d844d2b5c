package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The readers that a call may meet elsewhere. They share no code with what decides
// whether it leaves.

// loosely decodes what it can of an urlencoded text, and leaves the rest as it is.
func loosely(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		var c byte
		if s[i] == '%' && i+2 < len(s) {
			high, low := strings.IndexByte("0123456789abcdef", s[i+1]|0x20), strings.IndexByte("0123456789abcdef", s[i+2]|0x20)
			if high >= 0 && low >= 0 {
				c, i = byte(high<<4|low), i+2
				b.WriteByte(c)
				continue
			}
		}
		if c = s[i]; c == '+' {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String()
}

// phpName is what PHP makes of a field's name.
func phpName(name string) string {
	name = strings.TrimLeft(name, " ")
	name, _, _ = strings.Cut(name, "\x00")
	name, _, _ = strings.Cut(name, "[")
	return strings.NewReplacer(" ", "_", ".", "_").Replace(name)
}

// readTypes are all values that a reader could find in a body for a type. In an
// urlencoded one with names as PHP makes them and as they are, in any case, split at "&"
// or ";" too, before or after it is decoded, once or twice. In a multipart one as Go's
// reader finds them, or by the crudest of searches.
func readTypes(contentType, body string) (all []string) {
	if contentType == formOfB {
		return readParts(body)
	}
	for _, whole := range []string{body, loosely(body), loosely(loosely(body))} {
		for _, separators := range []string{"&", "&;", "&;\r\n"} {
			for _, pair := range strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
				name, value, _ := strings.Cut(pair, "=")
				for range 3 {
					for _, as := range []string{name, strings.TrimSpace(name), phpName(name)} {
						if strings.EqualFold(as, "type") {
							all = append(all, value, loosely(value), loosely(loosely(value)))
						}
					}
					name = loosely(name)
				}
			}
		}
	}
	return all
}

// readParts is readTypes of a multipart form.
func readParts(body string) (all []string) {
	for parts := multipart.NewReader(strings.NewReader(body), "b"); ; {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		value, _ := io.ReadAll(part)
		if strings.EqualFold(phpName(part.FormName()), "type") {
			all = append(all, string(value))
		}
	}
	for _, found := range crude.FindAllStringSubmatch(body, -1) {
		all = append(all, found[1])
	}
	return all
}

// crude finds the value of a part whose header says type somewhere.
var crude = regexp.MustCompile(`(?i)name\*?=[^\r\n]*\btype\b[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([^\r\n]*)`)

// isOurs says whether a value is customer_delete for somebody: in any case, and whatever
// stands around it that a trim takes away or a NUL ends.
func isOurs(value string) bool {
	value, _, _ = strings.Cut(value, "\x00")
	return strings.EqualFold(strings.Trim(value, " \t\r\n\v\f\"'"), customerDelete)
}

// left fails where a body leaves that somebody reads as customer_delete, or that has no
// one type that all read.
func left(t *testing.T, contentType string, body string) (leaves bool) {
	t.Helper()
	if judged(t, "POST", nil, typed(contentType), body) != "" {
		return false
	}
	types := readTypes(contentType, body)
	if slices.ContainsFunc(types, isOurs) {
		t.Errorf("%q under %q leaves", body, contentType)
	}
	if slices.Sort(types); len(slices.Compact(types)) == 0 {
		t.Errorf("%q under %q leaves, in which nobody finds a type", body, contentType)
	}
	return true
}

// pieces are what bodies of the fuzzers are made of.
var pieces = []string{
	"type", "Type", "%74ype", "type[]", " type", "_type", "ty", "pe", "=", "=", "&", ";", "+", "%", "25", "3D", "%26", "%3b", "%00", "\x00", "[", "]",
	"customer_delete", "Customer_Delete", "customer", "_", "delete", "%5f", "points", "47", "x", "\r\n", "\n", "--b", "--b--", "\r\n--b\r\n", "\r\n\r\n",
	"Content-Disposition: form-data; name=", "\"type\"", "\"x\"", "'type'", "; filename=\"a\"", "; name=\"type\"", "Content-Type: text/plain", "{\"", "\":\"", "\xff",
}

// Bodies that are made of dangerous pieces leave only where all readers find one type.
func TestRandomBodies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	leaving := 0
	for range 10_000 {
		var b bytes.Buffer
		contentType := urlencoded
		switch random.IntN(3) {
		case 0:
			b.WriteString("type=points&")
		case 1:
			contentType = formOfB
			b.WriteString("--b\r\n" + disposed + "\"type\"\r\n\r\npoints\r\n--b\r\n" + disposed + "\"x\"\r\n\r\n")
		}
		for range random.IntN(7) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		if contentType == formOfB {
			b.WriteString("\r\n--b--")
		}
		if left(t, contentType, b.String()) {
			leaving++
		}
	}
	if leaving < 500 {
		t.Errorf("only %d leave", leaving)
	}
}

// FuzzLeaves looks for a body that leaves and that somebody reads as customer_delete.
func FuzzLeaves(f *testing.F) {
	for _, body := range []string{
		"type=points", "type=points&x=1%26type%3Dcustomer_delete", "type=points&Type=customer_delete", goodForm,
		parted(disposed + "\"type\"\r\n\r\npoints"), parted(disposed+"\"type\"\r\n\r\npoints", disposed+"\"x\"\r\n\r\n\n--b\n"+disposed+"type\n\ncustomer_delete"),
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, parts bool) {
		contentType := urlencoded
		if parts {
			contentType = formOfB
		}
		left(t, contentType, body)
	})
}
