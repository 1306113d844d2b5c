package writers

import (
	"fmt"
	"slices"
	"testing"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
)

// TestWritersLeaveWhatAHoldKeeps: the programs neither file again nor move a contact of
// which one copy is held: each of its copies stays as it is.
func TestWritersLeaveWhatAHoldKeeps(t *testing.T) {
	t.Parallel()
	const at = "2026-01-02T03:04:05Z"
	for language, p := range programs(t, "") {
		kit := dynamotest.Open(t)
		if !p.run(t, kit, "contact", "t", at, "i", "", "1,2", "text") {
			t.Fatalf("%s: a new contact is refused", language)
		}
		for _, item := range dynamotest.Items(t, kit.Plain, kit.Contacts.Table) {
			if attribute.ReadText(item, "party") == "t#1" {
				item["held"] = attribute.Text("hold")
				kit.Put(t, kit.Contacts.Table, item)
			}
		}
		stands := fmt.Sprint(texts(t, kit))
		for _, parties := range []string{"1,2", "2,3"} {
			if p.run(t, kit, "contact", "t", at, "i", "1,2", parties, "other") || fmt.Sprint(texts(t, kit)) != stands {
				t.Errorf("%s writes a held contact under %s: %v", language, parties, texts(t, kit))
			}
		}
	}
}

// texts are the copies of contacts, as DynamoDB writes them in JSON.
func texts(t *testing.T, kit *dynamotest.Kit) (all []string) {
	for _, item := range dynamotest.Items(t, kit.Plain, kit.Contacts.Table) {
		all = append(all, string(attribute.AppendJSON(nil, item)))
	}
	slices.Sort(all)
	return all
}
