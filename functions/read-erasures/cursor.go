package main

import (
	"strconv"
	"strings"

	"customercare/shared/respond"
	"customercare/shared/store"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

// cursor says where a page of the list begins: what stands before it is newer. The list
// has two parts. First come the erasures whose acceptance was not sealed when the first
// page was read, by their ids, the newest first. Then come the leaves of the log below
// that, in the log's order from its end. While somebody turns the pages the first part
// gets sealed; it stays the first part, because below does not change.
type cursor struct {
	below int64  // leaves from here on are of the first part
	id    string // in the first part, only smaller ids are left; "" in the second part
}

// String is the cursor as a link has it: "1200", or "1200-<id>" in the first part.
func (c cursor) String() string {
	text := strconv.FormatInt(c.below, 10)
	if c.id != "" {
		text += "-" + c.id
	}
	return text
}

var (
	errLimit  = respond.Refuse(respond.Invalid, "limit must be a whole number from 1 to 100")
	errBefore = respond.Refuse(respond.Invalid, "before must be as a link of an answer gives it")
)

// readCursor reads the parameter before; nil is the first page. A cursor is written in
// one way only.
func readCursor(values []string) (*cursor, error) {
	if len(values) == 0 {
		return nil, nil
	}
	below, id, first := strings.Cut(values[0], "-")
	n, err := strconv.ParseInt(below, 10, 64)
	c := cursor{n, id}
	if len(values) > 1 || err != nil || n < 0 || first && !store.IsID(id) || c.String() != values[0] {
		return nil, errBefore
	}
	return &c, nil
}

// readLimit reads the parameter limit.
func readLimit(values []string) (int, error) {
	if len(values) == 0 {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(values[0])
	if len(values) > 1 || err != nil || n < 1 || n > maxLimit || strconv.Itoa(n) != values[0] {
		return 0, errLimit
	}
	return n, nil
}
