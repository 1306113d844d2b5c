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

func n(digits string) types.AttributeValue { return &types.AttributeValueMemberN{Value: digits} }

func l(members ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: members}
}

func TestPartiesAndTexts(t *testing.T) {
	set := func(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
	binary, null := &types.AttributeValueMemberB{Value: []byte("a")}, &types.AttributeValueMemberNULL{Value: true}
	for name, c := range map[string]struct {
		value                     types.AttributeValue
		numbers                   string
		whole                     bool
		texts                     string
		textsWhole, textsNotThere bool
	}{
		"list":           {l(s("a"), s("b")), "a b", true, "a b", true, false},
		"set":            {set("a", "b"), "a b", true, "a b", true, false},
		"empty list":     {l(), "", false, "", true, false},
		"mixed":          {l(s("a"), n("7"), null, binary, l(s("b"))), "a 7", false, "a", false, false},
		"empty text":     {l(s("a"), s("")), "a", false, "a ", true, false},
		"empty in a set": {set("", "a"), "a", false, " a", true, false},
		"nothing":        {nil, "", false, "", false, true},
		"string":         {s("a"), "a", false, "", false, true},
		"empty string":   {s(""), "", false, "", false, true},
		"number":         {n("7"), "7", false, "", false, true},
		"number set":     {&types.AttributeValueMemberNS{Value: []string{"7", "8"}}, "7 8", false, "", false, true},
		"map":            {&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"a": s("a")}}, "", false, "", false, true},
		"binary":         {binary, "", false, "", false, true},
		"binary set":     {&types.AttributeValueMemberBS{Value: [][]byte{[]byte("a")}}, "", false, "", false, true},
		"null":           {null, "", false, "", false, true},
		"boolean":        {&types.AttributeValueMemberBOOL{Value: true}, "", false, "", false, true},
	} {
		if numbers, whole := store.Parties(c.value); strings.Join(numbers, " ") != c.numbers || whole != c.whole {
			t.Errorf("%s: parties %q, %v", name, numbers, whole)
		}
		if texts, whole := store.Texts(c.value); strings.Join(texts, " ") != c.texts || whole != c.textsWhole || (texts == nil) != c.textsNotThere {
			t.Errorf("%s: texts %q, %v", name, texts, whole)
		}
	}
}

func TestSubjects(t *testing.T) {
	raw := make([]byte, 64)
	one, two := "k."+hex.EncodeToString(raw[:32]), "k."+hex.EncodeToString(raw[32:])
	packed := func(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
	for name, c := range map[string]struct {
		item  map[string]types.AttributeValue
		want  []string
		whole bool
	}{
		"list":           {map[string]types.AttributeValue{"subjects": l(s(one))}, []string{one}, true},
		"packed":         {map[string]types.AttributeValue{"digests": packed(raw), "key": s("k")}, []string{one, two}, true},
		"neither":        {nil, nil, true},
		"a number in it": {map[string]types.AttributeValue{"subjects": l(s(one), n("1"))}, nil, false},
		"no digest":      {map[string]types.AttributeValue{"subjects": l(s(one), s("k.12"))}, nil, false},
		"no key":         {map[string]types.AttributeValue{"subjects": l(s(one[2:]))}, nil, false},
		"a string":       {map[string]types.AttributeValue{"subjects": s(one)}, nil, false},
		"packed in part": {map[string]types.AttributeValue{"digests": packed(raw[:40]), "key": s("k")}, nil, false},
		"packed as text": {map[string]types.AttributeValue{"digests": s(one), "key": s("k")}, nil, false},
		"without a key":  {map[string]types.AttributeValue{"digests": packed(raw)}, nil, false},
		"a key's number": {map[string]types.AttributeValue{"digests": packed(raw), "key": n("1")}, nil, false},
	} {
		if all, whole := store.Subjects(c.item); whole != c.whole || whole && !slices.Equal(all, c.want) {
			t.Errorf("%s: %q, %v", name, all, whole)
		}
	}
}

// A time with a fraction, as other programs' clocks give it, is that time and not 1970: the
// sweep leaves an allow that is in force.
func TestFractionsOfTimes(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.UnixMilli(1_800_000_000_000)
	allow := func(expires types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"expires": expires}}
	}
	kit.Put(t, kit.Users.Table, map[string]types.AttributeValue{"customerId": s("u"), "tempAllows": &types.AttributeValueMemberM{
		Value: map[string]types.AttributeValue{"1": allow(n("1800000060000.5")), "2": allow(n("1700000000000.5")), "3": allow(s("2026-01-02T03:04:05Z"))},
	}})
	removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now)
	if left := strings.Join(kit.Dump(t, kit.Users.Table), ""); err != nil || removed != 1 || !strings.Contains(left, "1800000060000.5") || strings.Contains(left, "1700000000000.5") {
		t.Errorf("%d removed, %v, left %s", removed, err, left)
	}
}
