{{/* Begins the name of every object of the release. */}}
{{- define "hedgerow.name" -}}
{{- contains "hedgerow" .Release.Name | ternary .Release.Name (print .Release.Name "-hedgerow") | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The same for objects that are not namespaced, so that two releases never meet. */}}
{{- define "hedgerow.clusterName" -}}
{{ include "hedgerow.name" . }}-{{ .Release.Namespace }}
{{- end }}

{{/* (dict "root" $ "component" "kafka"): what a selector selects by. */}}
{{- define "hedgerow.selector" -}}
app.kubernetes.io/name: hedgerow
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "hedgerow.labels" -}}
{{ include "hedgerow.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: hedgerow
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* (dict "root" $ "image" .Values.image): repository with tag or digest. */}}
{{- define "hedgerow.image" -}}
{{- with .image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.root.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* What every pod's spec begins with. */}}
{{- define "hedgerow.pod" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{/* A user's number: the pod's security context. */}}
{{- define "hedgerow.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "hedgerow.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "hedgerow.user" -}}10001{{- end }}

{{- define "hedgerow.kafka" -}}
{{- if .Values.kafka.bundled.enabled }}{{ include "hedgerow.name" . }}-kafka:9092{{ else }}{{ .Values.kafka.bootstrapServers }}{{ end }}
{{- end }}

{{- define "hedgerow.redis" -}}
{{- if .Values.redis.bundled.enabled }}{{ include "hedgerow.name" . }}-redis:6379{{ else }}{{ .Values.redis.nodes }}{{ end }}
{{- end }}

{{- define "hedgerow.exchangeUrl" -}}
{{- if .Values.exchange.enabled }}http://{{ include "hedgerow.name" . }}-exchange:8081{{ else }}{{ .Values.exchange.url }}{{ end }}
{{- end }}

{{/* (dict "root" $ "database" "ledger"): the Secret that holds a database's DSN, under the name of its variable. */}}
{{- define "hedgerow.dsnSecret" -}}
{{- if .root.Values.postgres.bundled.enabled }}{{ include "hedgerow.name" .root }}-{{ .database }}{{ else }}{{ index .root.Values.postgres (print .database "Secret") }}{{ end }}
{{- end }}

{{/* Where a process of ours finds its servers; the passwords are only in Secrets. */}}
{{- define "hedgerow.environment" -}}
envFrom:
- configMapRef: {name: {{ include "hedgerow.name" . }}-settings}
{{- range include "hedgerow.serverSecrets" . | fromJsonArray }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* Secrets whose entries every process has as environment variables. */}}
{{- define "hedgerow.serverSecrets" -}}
{{ concat (list (include "hedgerow.dsnSecret" (dict "root" . "database" "ledger"))) (compact (list .Values.kafka.secret)) | toJson }}
{{- end }}

{{/* Folders, and for each the Secret whose ca.crt is mounted there. */}}
{{- define "hedgerow.authorities" -}}
{{- $found := dict }}
{{- range $server := list "postgres" "kafka" "redis" }}
{{- with (index $.Values $server).caSecret }}
{{- $found = set $found (printf "/etc/hedgerow/%s-ca" $server) . }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* Volumes and mounts of every process of ours: the root is read-only. */}}
{{- define "hedgerow.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
{{- range $folder, $secret := include "hedgerow.authorities" . | fromJson }}
- {name: {{ base $folder }}, secret: {secretName: {{ $secret }}, items: [{key: ca.crt, path: ca.crt}]}}
{{- end }}
{{- end }}

{{- define "hedgerow.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range $folder, $secret := include "hedgerow.authorities" . | fromJson }}
- {name: {{ base $folder }}, mountPath: {{ $folder }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "hedgerow.gatewayKeys" -}}
{{ .Values.gateway.keysSecret | default (printf "%s-gateway-keys" (include "hedgerow.name" .)) }}
{{- end }}

{{- define "hedgerow.watchNamespaces" -}}
{{ .Values.operator.watchNamespaces | default (list .Release.Namespace) | join "," }}
{{- end }}

{{/* (dict "root" $ "name" "password"): kept from release to release, made when there is none. */}}
{{- define "hedgerow.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if and $found (hasKey ($found.data | default dict) .entry) }}{{ index $found.data .entry | b64dec }}{{ else }}{{ randAlphaNum 32 }}{{ end }}
{{- end }}

{{/* A volumeClaimTemplate's spec, from a storage section. */}}
{{- define "hedgerow.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .className }}
storageClassName: {{ . }}
{{- end }}
resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{/* Changes with the settings that a running process has read; not the rendered ConfigMap's, which holds a time. */}}
{{- define "hedgerow.settingsChecksum" -}}
{{- $v := .Values -}}
{{ list (include "hedgerow.executorChecksum" .) (include "hedgerow.redis" .) (omit $v.redis "bundled") $v.market $v.history $v.gateway $v.orderGenerator | toJson | sha256sum }}
{{- end }}

{{/* The same, of those settings that an executor reads. */}}
{{- define "hedgerow.executorChecksum" -}}
{{- $v := .Values -}}
{{ list (include "hedgerow.kafka" .) (omit $v.kafka "bundled" "replicationFactor") (include "hedgerow.exchangeUrl" .) $v.tracing $v.postgres | toJson | sha256sum }}
{{- end }}
