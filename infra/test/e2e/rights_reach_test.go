package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The comparison of calls and rights itself: what a call names, and what a condition says
// of it.
func TestConditionsAreHeldAgainstCalls(t *testing.T) {
	for _, c := range []struct {
		call write
		want string
	}{
		{write{Item: map[string]any{"customer": nil, "at": nil}}, "at customer"},
		{write{Key: map[string]any{"customerId": nil}, UpdateExpression: "SET tempAllows.#type = :allow",
			ConditionExpression:      "attribute_exists(customerId) AND attribute_exists(tempAllows)",
			ExpressionAttributeNames: map[string]string{"#type": "1"}}, "customerId tempAllows"},
		{write{UpdateExpression: "REMOVE registration, questions ADD #n :one SET since = if_not_exists(since, :now)", ExpressionAttributeNames: map[string]string{"#n": "count"}},
			"count questions registration since"},
		{write{ConditionExpression: "tempAllows.#t0.expires = :e0 OR NOT tombstone IN (:a, :b)",
			ExpressionAttributeNames: map[string]string{"#t0": "1"}}, "tempAllows tombstone"},
		{write{ConditionExpression: "tempAllows.#use.expires BETWEEN :next AND :last AND NOT (tempAllows.#1.expires < tempAllows.#use.expires)",
			UpdateExpression:         "SET activeAt = :activeAt, tempAllows.#use.usedAt = :usedAt",
			ExpressionAttributeNames: map[string]string{"#use": "1", "#1": "2"}}, "activeAt tempAllows"},
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(c.call.attributes())), " "); got != c.want {
			t.Errorf("%+v names %s, want %s", c.call, got, c.want)
		}
	}
	r := &reached{map[string]bool{"a": true, "b": true}, map[string]bool{"failures#1": true, "failures#2": true}}
	attributes := func(names ...any) any {
		return map[string]any{"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": names},
			"Null": map[string]any{"dynamodb:Attributes": "false"}}
	}
	keys := func(patterns ...any) any {
		return map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": patterns}}
	}
	for _, c := range []struct {
		condition any
		want      string
	}{
		{nil, ""},
		{attributes("a", "b"), ""},
		{attributes("a"), "naming the attribute b, and does"},
		{attributes("a", "b", "c"), "only without the attribute c, because it never names it"},
		{keys("failures#*"), ""},
		{keys("failures#1", "failures#2"), ""},
		{keys("failures#1"), "with the key failures#2, and does"},
		{keys("failures#*", "token#*"), "with keys like token#*, because it never does"},
		{keys("token#*"), "with keys like token#*, because it never does; with the key failures#1, and does; with the key failures#2, and does"},
		{map[string]any{"Null": map[string]any{"dynamodb:Attributes": "true"}},
			"under the condition that there is no dynamodb:Attributes"},
		{map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			"under a condition that is not understood: Bool aws:SecureTransport"},
	} {
		wrong := r.against(c.condition)
		slices.Sort(wrong)
		if got := strings.Join(wrong, "; "); got != c.want {
			t.Errorf("%v: %q, want %q", c.condition, got, c.want)
		}
	}
}
