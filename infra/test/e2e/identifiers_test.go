package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/importer"
)

// cannot ends the sentence about an identifier that an answer in XML could not name.
const cannot = "holds a character that XML cannot carry"

// The characters that XML 1.0 cannot carry are in no identifier: the importer loads none,
// and each operation refuses them by the field's name. NUL has a sentence of its own in
// places, and is refused there as before.
func TestIdentifiersThatXMLCannotCarry(t *testing.T) {
	openAccount(t, "c-unsayable", 1, "47")
	csr, bearer := operator(t, "csr-unsayable"), app(t, "app-unsayable", "tenant-unsayable")
	loadUsers(t, "u-unsayable")
	unchanged(t)
	unsayable := []string{"\uFFFE", "\uFFFF"}
	for r := rune(1); r < ' '; r++ {
		if r != '\t' && r != '\n' && r != '\r' {
			unsayable = append(unsayable, string(r))
		}
	}
	for _, char := range unsayable {
		in := "47" + char
		quoted := func(text string) string { b, _ := json.Marshal(text); return string(b) }
		for _, line := range []string{
			`{"kind":"user","customerId":` + quoted(in) + `}`,
			`{"kind":"customer","accountId":"a","code":` + quoted(in) + `}`,
			`{"kind":"customer","accountId":` + quoted(in) + `,"code":"47"}`,
			`{"kind":"contact","tenantId":"t","contactId":"c","at":"2026-01-02T03:04:05Z","customNos":["1",` +
				quoted(in) + `]}`,
			`{"kind":"app","name":` + quoted(in) + `,"secret":"s","tenantId":"t"}`,
		} {
			said := ""
			_, err := importer.Load(t.Context(),
				importer.Options{Client: database,
					Report: func(_ int, sentence string) { said = sentence }}, strings.NewReader(line))
			if want := map[bool]string{true: "holds a control character", false: cannot}[char < " "]; err == nil ||
				!strings.HasSuffix(said, want) {
				t.Errorf("%q: %v, %s", line, err, said)
			}
		}
		for _, changes := range [][]string{{"code", in}, {"account_id", "c-unsayable" + char},
			{"user_id", userOf("c-unsayable") + char}} {
			form := fieldsOf("c-unsayable", "47", changes...)
			want := changes[0] + " " + cannot
			send(t, "POST", "/", form.Encode(), urlencoded).is(t, 200, sorryXML(want))
			send(t, "POST", "/api.php", partsOf(form), multipart).is(t, 200, sorryXML(want))
			form.Set("output", "JSON")
			form.Set("condensed", "yes")
			send(t, "POST", "/", form.Encode(), urlencoded).is(t, 200, `{"status":"error","error":"`+want+`"}`)
		}
		if r := send(t, "POST", "/", formOf("c-unsayable", "47", "callback", "cb"+char),
			urlencoded); r.Status != 200 || !strings.Contains(r.Body, noCallback) {
			t.Errorf("callback %q: %d %s", char, r.Status, r.Body)
		}
		clean(t, bearer, "135", in).failed(t, 400, "customNos[1] "+cannot)
		send(t, "POST", tokenPath, `{"app_key":`+quoted("app-unsayable"+char)+`,"app_secret":"s"}`,
			bodyJSON).failed(t, 400, "app_key "+cannot)
		path := at(bases[0], "u-unsayable"+char)
		send(t, "DELETE", path+"?reset=true", "", csr).refused(t, 400, "json", "customerId")
		send(t, "PUT", path, `{"tempAllowType":1}`, csr, acceptXML).refused(t, 400, "xml", "customerId")
	}
}

// What a foreign writer has stored can be erased as long as XML can say it: a tab, a
// line's end, DEL and the C1 characters.
func TestForeignIdentifiersAreErased(t *testing.T) {
	openAccount(t, "c-foreign", 0)
	put := func(code string) {
		_, err := database.PutItem(t.Context(),
			&dynamodb.PutItemInput{TableName: aws.String(running.Table("Customers")),
				Item: map[string]types.AttributeValue{
					"customer": &types.AttributeValueMemberS{Value: "c-foreign#" + code},
					"record":   &types.AttributeValueMemberS{Value: "customer"},
				}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, code := range []string{"4\t7", "4\n7", "4\x7f7", "4\u00857", "\ufffd"} {
		put(code)
		quoted, _ := json.Marshal(code)
		r := send(t, "POST", "/", formOf("c-foreign", code, "output", "JSON", "condensed", "yes"), urlencoded)
		var got struct {
			Status   string
			Customer struct{ Status, Code string }
		}
		if err := json.Unmarshal([]byte(r.Body), &got); err != nil || got.Status != "success" ||
			got.Customer.Code != code {
			t.Errorf("%s: %s", quoted, r.Body)
		}
	}
}

// A contact and a transaction of a leap second, RFC 3339's own example, are loaded, and
// erased like all others.
func TestLeapSecondsAreLoadedAndErased(t *testing.T) {
	openAccount(t, "c-leap", 0, "47")
	bearer := app(t, "app-leap", "tenant-leap")
	times := []string{"1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "2016-12-31t23:59:60.123456789012z",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-01-02T03:04:05-00:00"}
	for i, when := range times {
		id := string(rune('a' + i))
		load(t,
			`{"kind":"transaction","accountId":"c-leap","code":"47","campaignId":"c","transactionId":"`+id+`","at":"`+when+`","note":"mark of c-leap"}`,
			`{"kind":"contact","tenantId":"tenant-leap","contactId":"`+id+`","at":"`+when+`","callingNumber":"leap-gone","calledNumber":"leap-peer","content":"mark of c-leap"}`)
	}
	if n := len(dump(t, "mark of c-leap")); n != 1+3*len(times) {
		t.Errorf("%d items are loaded", n)
	}
	if copies := filed(t, "tenant-leap"); !strings.Contains(strings.Join(copies, "\n"),
		`"1991-01-01T00:00:00.000000000Z#a"`) {
		t.Errorf("a leap second is not filed as the second after it: %s", copies)
	}
	send(t, "POST", "/", formOf("c-leap", "47"), urlencoded).is(t, 200, goneXML("47"))
	clean(t, bearer, "leap-gone").verified(t)
	finished(t, "tenant-leap", 1)
	if left := dump(t, "mark of c-leap"); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
}
