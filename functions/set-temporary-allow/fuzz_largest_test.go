package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"customercare/shared/gateway"
)

// Bodies of the largest size, each the dearest of its kind that we could think of.
func TestLargestBodies(t *testing.T) {
	door := door(t, true)
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (gateway.SmallBody-len(before)-len(after))/len(unit)) + after)
	}
	names := new(bytes.Buffer)
	for i := 0; names.Len() < gateway.SmallBody-16; i++ {
		fmt.Fprintf(names, ",%q:0", strconv.FormatInt(int64(i), 36))
	}
	for name, body := range map[string][]byte{
		"names":    []byte(`{"tempAllowType":2` + names.String()[:strings.LastIndex(names.String()[:gateway.SmallBody-20], ",")] + "}"),
		"lists":    fill(`{"tempAllowType":2,"x":`, "[", ""),
		"objects":  fill(`{"tempAllowType":2,"x":`, `{"":`, ""),
		"numbers":  fill(`{"tempAllowType":2,"x":[0`, ",0", "]}"),
		"digits":   fill(`{"tempAllowType":`, "1", "}"),
		"escapes":  fill(`{"tempAllowType":2,"expirationDate":"`, `\u0041`, `"}`),
		"fraction": fill(`{"tempAllowType":2,"expirationDate":"2030-10-15T01:29:29.`, "7", `Z"}`),
		"spaces":   fill("", " ", `{"tempAllowType":2}`),
	} {
		t.Run("JSON "+name, func(t *testing.T) { send(t, door, "application/json", body) })
	}
	const kind, end = "<TempAllowRequest><tempAllowType>2</tempAllowType>", "</TempAllowRequest>"
	for name, body := range map[string][]byte{
		"open tags": fill("<TempAllowRequest>", "<a>", ""),
		"tags":      fill(kind, "<a/>", end),
		"CDATA":     fill("<TempAllowRequest><tempAllowType>", "<![CDATA[111111111111]]>", "</tempAllowType>"+end),
		"entities":  fill("<TempAllowRequest><tempAllowType>", "&#49;", "</tempAllowType>"+end),
		"comments":  fill(kind, "<!---->", end),
		"text":      fill("<TempAllowRequest><tempAllowType>", "1", "</tempAllowType>"+end),
		"attribute": fill(kind+`<a b="`, "1", `"/>`+end),
		"list":      fill(kind+"<a", ` b=""`, "/>"+end),
		"name":      fill(kind+"<", "a", "/>"+end),
		"DOCTYPE":   fill("<!DOCTYPE a [", "<!a>", "]>"+kind+end),
		"directive": fill("<!", "<", ""),
	} {
		t.Run("XML "+name, func(t *testing.T) { send(t, door, "application/xml", body) })
	}
}
