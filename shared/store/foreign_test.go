package store_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// What other writers store, as everybody here reads it.

func TestPartiesAndTexts(t *testing.T) {
	binary, null := &types.AttributeValueMemberB{Value: []byte("a")}, &types.AttributeValueMemberNULL{Value: true}
	for name, c := range map[string]struct {
		value                     types.AttributeValue
		numbers                   string
		whole                     bool
		texts                     string
		textsWhole, textsNotThere bool
	}{
		"list":       {list(text("a"), text("b")), "a b", true, "a b", true, false},
		"set":        {set("a", "b"), "a b", true, "a b", true, false},
		"empty list": {list(), "", false, "", true, false},
		"mixed": {
			list(text("a"), number("7"), null, binary, list(text("b"))), "a 7", false, "a", false, false,
		},
		"empty text":     {list(text("a"), text("")), "a", false, "a ", true, false},
		"empty in a set": {set("", "a"), "a", false, " a", true, false},
		"nothing":        {nil, "", false, "", false, true},
		"string":         {text("a"), "a", false, "", false, true},
		"empty string":   {text(""), "", false, "", false, true},
		"number":         {number("7"), "7", false, "", false, true},
		"number set":     {&types.AttributeValueMemberNS{Value: []string{"7", "8"}}, "7 8", false, "", false, true},
		"map":            {mapOf(item{"a": text("a")}), "", false, "", false, true},
		"binary":         {binary, "", false, "", false, true},
		"binary set":     {&types.AttributeValueMemberBS{Value: [][]byte{[]byte("a")}}, "", false, "", false, true},
		"null":           {null, "", false, "", false, true},
		"boolean":        {&types.AttributeValueMemberBOOL{Value: true}, "", false, "", false, true},
	} {
		if numbers, whole := store.Parties(c.value); strings.Join(numbers, " ") != c.numbers || whole != c.whole {
			t.Errorf("%s: parties %q, %v", name, numbers, whole)
		}
		texts, whole := store.Texts(c.value)
		if strings.Join(texts, " ") != c.texts || whole != c.textsWhole || (texts == nil) != c.textsNotThere {
			t.Errorf("%s: texts %q, %v", name, texts, whole)
		}
	}
}

func TestSubjects(t *testing.T) {
	raw := make([]byte, 64)
	one, two := "k."+hex.EncodeToString(raw[:32]), "k."+hex.EncodeToString(raw[32:])
	packed := func(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
	for name, c := range map[string]struct {
		item  item
		want  []string
		whole bool
	}{
		"list":           {item{"subjects": list(text(one))}, []string{one}, true},
		"packed":         {item{"digests": packed(raw), "key": text("k")}, []string{one, two}, true},
		"neither":        {nil, nil, true},
		"a number in it": {item{"subjects": list(text(one), number("1"))}, nil, false},
		"no digest":      {item{"subjects": list(text(one), text("k.12"))}, nil, false},
		"no key":         {item{"subjects": list(text(one[2:]))}, nil, false},
		"a string":       {item{"subjects": text(one)}, nil, false},
		"packed in part": {item{"digests": packed(raw[:40]), "key": text("k")}, nil, false},
		"packed as text": {item{"digests": text(one), "key": text("k")}, nil, false},
		"without a key":  {item{"digests": packed(raw)}, nil, false},
		"a key's number": {item{"digests": packed(raw), "key": number("1")}, nil, false},
	} {
		if all, whole := store.Subjects(c.item); whole != c.whole || whole && !slices.Equal(all, c.want) {
			t.Errorf("%s: %q, %v", name, all, whole)
		}
	}
}

// A time with a fraction, as other programs' clocks give it, is that time and not 1970:
// the sweep leaves an allow that is in force.
func TestFractionsOfTimes(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.UnixMilli(1_800_000_000_000)
	allow := func(expires types.AttributeValue) types.AttributeValue {
		return mapOf(item{"expires": expires})
	}
	kit.Put(t, kit.Users.Table, item{"customerId": text("u"), "tempAllows": mapOf(item{
		"1": allow(number("1800000060000.5")),
		"2": allow(number("1700000000000.5")),
		"3": allow(text("2026-01-02T03:04:05Z")),
	})})
	removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now)
	left := strings.Join(kit.Dump(t, kit.Users.Table), "")
	kept := strings.Contains(left, "1800000060000.5") && !strings.Contains(left, "1700000000000.5")
	if err != nil || removed != 1 || !kept {
		t.Errorf("%d removed, %v, left %s", removed, err, left)
	}
}
