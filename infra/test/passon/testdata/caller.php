<?php
// The ways in which PHP calls operation 3's address: an array given to curl, which goes out
// as multipart/form-data, a query, and an address.
[, $url, $mark, $key, $code] = $argv;
function call(string $mark, string $url, array|string|null $form): string {
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_REFERER => $mark]);
    if ($form !== null) {
        curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $form]);
    }
    $body = curl_exec($curl);
    return curl_getinfo($curl, CURLINFO_RESPONSE_CODE) . ' ' . bin2hex((string) $body) . "\n";
}
$who = ['user_id' => 'john', 'user_password' => $key, 'account_id' => 'account', 'output' => 'XML'];
$other = ['type' => 'record_activity', 'code' => $code, 'note' => "\u{fc} & 1+1"] + $who;
echo call($mark, "$url/api.php", $other);
echo call($mark, "$url/", http_build_query($other));
echo call($mark, "$url/api.php?" . http_build_query($other), null);
$delete = ['type' => 'customer_delete', 'code' => $code] + $who;
echo call($mark, "$url/api.php", $delete);
