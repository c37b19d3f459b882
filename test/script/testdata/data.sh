#!/bin/bash
# Makes a small data directory of the version that the programs in bin/ write, for the
# scripts that open it with later ones: a repository of two apps with a few deploys,
# generated values, a tag and another branch, and one without apps.
#
#   make build devcluster && test/script/testdata/data.sh test/script/testdata/data-1.tar.gz
#
# It was run when version 1 was the present one. For another version, make another file.
set -eu
bin=$(cd "$(dirname "$0")/../../../bin" && pwd)
out=$(realpath "$1")
dir=$(mktemp -d /tmp/pb-data-XXXXXX)
trap 'kill $(cat "$dir"/*.pid) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
export HOME="$dir" GIT_CONFIG_NOSYSTEM=1 TZ=UTC
export GIT_AUTHOR_NAME=Ana GIT_AUTHOR_EMAIL=ana@example.org GIT_COMMITTER_NAME=Ana GIT_COMMITTER_EMAIL=ana@example.org


"$bin/devcluster" --dir "$dir/cluster" --port 0 >"$dir/cluster.out" 2>&1 & echo $! >"$dir/cluster.pid"
for _ in $(seq 600); do grep -q '^ready' "$dir/cluster.out" && break; sleep 0.1; done
ssh-keygen -q -t ed25519 -N '' -C ana -f "$dir/ana"
"$bin/pushboat" serve --data "$dir/data" --ssh 127.0.0.1:0 --kubeconfig "$dir/cluster/kubeconfig" \
  --admin-key "$dir/ana.pub" >"$dir/serve.out" 2>"$dir/serve.log" & echo $! >"$dir/serve.pid"
for _ in $(seq 600); do grep -q '^ready' "$dir/serve.out" && break; sleep 0.1; done
address=$(cat "$dir/data/run/ssh.addr")
remote="ssh://ana@$address"
export GIT_SSH_COMMAND="ssh -i $dir/ana -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=$dir/known"

git init -q -b main "$dir/shop" && cd "$dir/shop"
mkdir -p web db/templates
cat >pushboat.yaml <<'YAML'
apps:
  - {name: of-version-1-web, path: web, namespace: of-version-1, createNamespace: true}
  - name: of-version-1-db
    path: db
    namespace: of-version-1
    dependsOn: [of-version-1-web]
    helm: {generated: [password]}
YAML
cat >web/web.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {size: '3'}
YAML
printf 'apiVersion: v2\nname: db\nversion: 1.0.0\n' >db/Chart.yaml
printf 'password: ""\n' >db/values.yaml
cat >db/templates/secret.yaml <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: {{ .Values.password | default (randAlphaNum 16) | quote }}}
YAML
git add -A && git commit -q -m 'First' && git push -q "$remote/of-version-1" main
sed -i 's/red/blue/' web/web.yaml
git commit -qam 'Paint it blue' && git tag -a -m 'The first' v1 && git push -q "$remote/of-version-1" main v1
git checkout -q -b try && sed -i 's/blue/green/' web/web.yaml && git commit -qam 'Try green' && git push -q "$remote/of-version-1" try
git init -q -b main "$dir/notes" && cd "$dir/notes" && printf 'apps: []\n' >pushboat.yaml
git add -A && git commit -q -m 'Notes' && git push -q "$remote/team/of-version-1" main

kill "$(cat "$dir/serve.pid")"
tail --pid="$(cat "$dir/serve.pid")" -f /dev/null
rm -rf "$dir/data/run" "$dir/data/hooks"
tar -C "$dir/data" --sort=name --owner=0 --group=0 --numeric-owner -czf "$out" .
echo "$out: $(wc -c <"$out") bytes"
