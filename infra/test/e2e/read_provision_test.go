package e2e

import (
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// inXML is an answer that is a success of operations 1 and 2 with these elements more.
func inXML(more string) string {
	return client.XMLHead + "<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status>" +
		more + "</StatusResponse>"
}

// inJSON is the same with these members.
func inJSON(more string) string {
	return `{"responseCode":"0","responseMessage":"","status":true,` + more + "}"
}

// What a user has is shown in both formats under both paths, as operations 1 and 2 leave
// it, and reading changes nothing.
func TestReadProvisionInBothFormatsUnderBothPaths(t *testing.T) {
	csr := operator(t, "csr-read")
	loadUsers(t, "u-read")
	_, date := soon()
	const counts = `"registered":true,"questions":1,"images":1,"phrases":1,"devices":2,"tempAllows":[`
	const elements = "<registered>true</registered><questions>1</questions><images>1</images><phrases>1</phrases><devices>2</devices>"
	for _, base := range bases {
		path := at(base, "u-read")
		send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json")
		send(t, "GET", path, "", csr).is(t, 200, inJSON(counts+"]"))
		send(t, "GET", path, "", csr, acceptXML).is(t, 200, inXML(elements+"<tempAllows></tempAllows>"))
		for _, kind := range []string{"3", "1"} {
			send(t, "PUT", path, `{"tempAllowType":`+kind+`,"expirationDate":"`+date+`"}`, csr).done(t, "json")
		}
		before := strings.Join(dump(t, "u-read"), "\n")
		got := send(t, "GET", path+"/", "", csr, acceptJSON)
		got.contentType(t, "json")
		for kind, once := range map[string]string{"1": "true", "3": "false"} {
			granted := millisOf(t, allows(t, "u-read")[kind].granted).UTC().Format("2006-01-02T15:04:05.000Z")
			want := `{"tempAllowType":` + kind + `,"expirationDate":"` + date + `","grantedAt":"` + granted + `","singleUse":` + once + `}`
			if got.Status != 200 || !strings.HasPrefix(got.Body, inJSON(counts)[:len(inJSON(counts))-1]) || !strings.Contains(got.Body, want) {
				t.Errorf("%d %s, want %s", got.Status, got.Body, want)
			}
		}
		xml := send(t, "GET", path+"?reset=true", "", csr, bodyXML)
		xml.contentType(t, "xml")
		if !strings.Contains(xml.Body, "<tempAllows><tempAllow><tempAllowType>1</tempAllowType><expirationDate>"+date+"</expirationDate>") ||
			strings.Count(xml.Body, "<tempAllow>") != 2 {
			t.Errorf("%d %s", xml.Status, xml.Body)
		}
		if after := strings.Join(dump(t, "u-read"), "\n"); after != before {
			t.Errorf("changed: %s\nbefore: %s", after, before)
		}
		unknown := at(base, "u-read-nobody")
		send(t, "GET", unknown, "", csr).refused(t, 404, "json", "Customer ID not found")
		send(t, "GET", unknown, "", csr, acceptXML).refused(t, 404, "xml", "Customer ID not found")
		send(t, "GET", path, "", csr, "Accept: text/html").refused(t, 406, "json", "Accept")
		send(t, "GET", path, "", basic("csr-read", "x"), acceptXML).is(t, 401, unauthorizedXML)
	}
}

// The two calls beside operations 1 and 2 have a scope each. Which call the authorizer's
// answer was made for, and kept from, makes no difference.
func TestScopesBesideOperations1And2(t *testing.T) {
	t.Parallel()
	scopes := []operation.Operation{
		operation.DeleteCustomerInfo, operation.SetTemporaryAllow, operation.ReadProvision, operation.UseTemporaryAllow,
	}
	loadUsers(t, "u-scopes2")
	for _, only := range scopes {
		load(t, scoped("csr2-"+only.Name, only))
		caller := basic("csr2-"+only.Name, "password of csr2-"+only.Name)
		for turn := range 2 { // from the authorizer, then from its cache
			for _, o := range scopes {
				base := bases[turn]
				path, body := at(base, "u-scopes2"), ""
				switch o.Name {
				case operation.DeleteCustomerInfo.Name:
					path += "?cancelAllTemporaryAllows=true"
				case operation.SetTemporaryAllow.Name:
					body = `{"tempAllowType":1}`
				case operation.UseTemporaryAllow.Name:
					path += "/use"
				}
				got := send(t, o.Method, path, body, caller)
				if o.Name == only.Name {
					if got.Status != 200 {
						t.Errorf("%s with its scope: %d %s", o.Name, got.Status, got.Body)
					}
					continue
				}
				got.is(t, 403, client.NotDone(client.JSON, 403, "This operation is not allowed to the caller").Body)
			}
		}
	}
	// One whose record lists nothing may call all, as before.
	csr := operator(t, "csr2-all")
	send(t, "GET", at(bases[0], "u-scopes2"), "", csr).contentType(t, "json")
	if got := send(t, "POST", at(bases[1], "u-scopes2")+"/use", "", csr); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
