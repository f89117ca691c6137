#Requires -Version 5.1
# Written by rootaudit 0.0.0. Ends the trust of this machine in:
#   CN=Planted Root
#   SHA-256 0000000000000000000000000000000000000000000000000000000000000000
# Note on /CN=Planted Root: CN=Planted Root
#
#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1            does it; a second run changes nothing
#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1 -WhatIf    tells what it would do
#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1 -Undo      puts everything back
[CmdletBinding(SupportsShouldProcess)]
param([switch]$Undo)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$Base = if ($env:ROOTAUDIT_BACKUP) { $env:ROOTAUDIT_BACKUP } else { Join-Path -Path $env:LOCALAPPDATA -ChildPath 'rootaudit' }
$Backup = Join-Path -Path $Base -ChildPath 'script-ddc43a3d4e61983e'
$StateFile = Join-Path -Path $Backup -ChildPath 'state'

function Write-Log {
    param([Parameter(Mandatory)][string]$Message)
    $Shown = $Message -replace '[^ -~]', '?'
    Write-Information -MessageData $Shown -InformationAction Continue
    if (Test-Path -LiteralPath $Backup) {
        Add-Content -LiteralPath (Join-Path -Path $Backup -ChildPath 'log') -Value ('{0:u} {1}' -f [DateTime]::UtcNow, $Shown) -Encoding UTF8
    }
}

function Add-Record {
    param([Parameter(Mandatory)][string]$Line)
    Add-Content -LiteralPath $StateFile -Value $Line -Encoding ASCII
}

function Get-Record {
    if (Test-Path -LiteralPath $StateFile) { Get-Content -LiteralPath $StateFile -Encoding ASCII }
}

function Test-Record {
    param([Parameter(Mandatory)][string]$Line)
    @(Get-Record) -ccontains $Line
}

# The SHA-256 of a file; else what is there instead of one.
function Get-FileState {
    param([Parameter(Mandatory)][string]$Path)
    $Item = Get-Item -LiteralPath $Path -Force -ErrorAction SilentlyContinue
    if ($null -eq $Item) { return 'none' }
    if ($Item.Attributes -band [IO.FileAttributes]::ReparsePoint) { return 'link' }
    if ($Item -isnot [IO.FileInfo]) { return 'other' }
    (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

# What this script last made of a file, by its number.
function Get-LastState {
    param([Parameter(Mandatory)][int]$File)
    $Mark = "after $File "
    @(Get-Record) | Where-Object { $_.StartsWith($Mark) } | ForEach-Object { $_.Substring($Mark.Length) } | Select-Object -Last 1
}

function Get-Sha256 {
    param([Parameter(Mandatory)][byte[]]$Content)
    $Algorithm = [Security.Cryptography.SHA256]::Create()
    try { -join ($Algorithm.ComputeHash($Content) | ForEach-Object { $_.ToString('x2') }) }
    finally { $Algorithm.Dispose() }
}

function Backup-Directory {
    foreach ($Each in $Backup, (Join-Path -Path $Backup -ChildPath 'files')) {
        if (-not (Test-Path -LiteralPath $Each)) { [void](New-Item -ItemType Directory -Path $Each -Force) }
    }
}

# One argument as programs of Windows take it apart (CommandLineToArgvW).
function ConvertTo-Argument {
    param([Parameter(Mandatory)][AllowEmptyString()][string]$Value)
    if ($Value -ne '' -and $Value -notmatch '[\s"]') { return $Value }
    '"' + ($Value -replace '(\\*)"', '$1$1\"' -replace '(\\+)\z', '$1$1') + '"'
}

# A program of the system is never taken from the current directory.
function Get-Tool {
    param([Parameter(Mandatory)][string]$Name)
    $System = Join-Path -Path ([Environment]::SystemDirectory) -ChildPath "$Name.exe"
    if (Test-Path -LiteralPath $System) { return $System }
    $Found = Get-Command -Name $Name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -eq $Found) { throw "$Name is needed, and is not installed here" }
    $Found.Source
}

function Invoke-Tool {
    param([Parameter(Mandatory)][string[]]$Command, [string]$Directory = [Environment]::SystemDirectory)
    $Start = [Diagnostics.ProcessStartInfo]::new()
    $Start.FileName = Get-Tool -Name $Command[0]
    $Start.Arguments = ($Command | Select-Object -Skip 1 | ForEach-Object { ConvertTo-Argument -Value $_ }) -join ' '
    $Start.WorkingDirectory = $Directory
    $Start.UseShellExecute = $false
    $Start.RedirectStandardOutput = $true
    $Start.RedirectStandardError = $true
    $Process = [Diagnostics.Process]::Start($Start)
    $Errors = $Process.StandardError.ReadToEndAsync()
    $Output = $Process.StandardOutput.ReadToEnd() + $Errors.Result
    $Process.WaitForExit()
    if ($Process.ExitCode -ne 0) { throw "$($Command[0]) failed ($($Process.ExitCode)): $($Output -replace '[^ -~]+', ' ')" }
}

# SHA-256 of the certificate (its RawData) in a key of a certificate store: property 32 of the serialized form.
function Get-KeyCertificate {
    param([Parameter(Mandatory)][string]$Key)
    $Hive, $Rest = $Key -split '\\', 2
    $Name = @{ HKLM = 'HKEY_LOCAL_MACHINE'; HKCU = 'HKEY_CURRENT_USER'; HKU = 'HKEY_USERS' }[$Hive]
    $Blob = [Microsoft.Win32.Registry]::GetValue("$Name\$Rest", 'Blob', $null)
    if ($null -eq $Blob) { return 'none' }
    for ($At = 0; $At + 12 -le $Blob.Length; $At += 12 + $Length) {
        $Length = [BitConverter]::ToInt32($Blob, $At + 8)
        if ($Length -lt 0 -or $At + 12 + $Length -gt $Blob.Length) { break }
        if ([BitConverter]::ToInt32($Blob, $At) -eq 32) {
            $Content = [byte[]]::new($Length)
            [Array]::Copy($Blob, $At + 12, $Content, 0, $Length)
            return Get-Sha256 -Content $Content
        }
    }
    'other'
}

function Invoke-RunStep {
    param([Parameter(Mandatory)][hashtable]$Step)
    if (Test-Record -Line "done $($Step.Number)") { return $false }
    if ($Step.Key -ne '') {
        $Found = Get-KeyCertificate -Key $Step.Key
        if ($Found -eq 'none') { return $false }
        if ($Found -ne $Step.Sha256) { throw "$($Step.Key) does not hold the certificate that this script was written for; it was not touched" }
    }
    if ($Step.Certificate -ne '') {
        if (-not (Test-Path -LiteralPath $Step.Certificate)) { return $false }
        $Certificate = [Security.Cryptography.X509Certificates.X509Certificate2]::new($Step.Certificate)
        if ((Get-Sha256 -Content $Certificate.RawData) -ne $Step.Sha256) { throw "$($Step.Certificate) is not the certificate that this script was written for" }
    }
    Backup-Directory
    if ($Step.Directory -ne '') {
        if (-not (Test-Path -LiteralPath $Step.Directory)) { [void](New-Item -ItemType Directory -Path $Step.Directory -Force) }
    }
    else {
        Add-Record -Line "begun $($Step.Number)"
        Invoke-Tool -Command $Step.Command
    }
    $true
}

$Files = @{}

$Steps = @(
    @{
        Number = 1
        Text = 'make C:\ProgramData\rootaudit\backup'
        Kind = 'Run'
        Key = ''
        Certificate = ''
        Sha256 = ''
        Directory = 'C:\ProgramData\rootaudit\backup'
        Command = @('cmd', '/d', '/c', 'if', 'not', 'exist', 'C:\ProgramData\rootaudit\backup', 'mkdir', 'C:\ProgramData\rootaudit\backup')
        Undo = @()
    }
    @{
        Number = 2
        Text = 'run reg export HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 C:\ProgramData\rootaudit\backup\0011.reg /y'
        Kind = 'Run'
        Key = 'HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011'
        Certificate = ''
        Sha256 = '0000000000000000000000000000000000000000000000000000000000000000'
        Directory = ''
        Command = @('reg', 'export', 'HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011', 'C:\ProgramData\rootaudit\backup\0011.reg', '/y')
        Undo = @()
    }
    @{
        Number = 3
        Text = 'run reg delete HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 /f'
        Kind = 'Run'
        Key = 'HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011'
        Certificate = ''
        Sha256 = '0000000000000000000000000000000000000000000000000000000000000000'
        Directory = ''
        Command = @('reg', 'delete', 'HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011', '/f')
        Undo = @(@{ Command = @('reg', 'import', 'C:\ProgramData\rootaudit\backup\0011.reg') })
    }
)

if ($Undo) {
    if (-not (Test-Path -LiteralPath $StateFile)) {
        Write-Log -Message 'There is nothing to undo.'
        return
    }
    foreach ($Step in @($Steps | Sort-Object -Property { $_.Number } -Descending)) {
        if ($Step.Undo.Count -eq 0 -or -not (Test-Record -Line "begun $($Step.Number)")) { continue }
        if (Test-Record -Line "undone $($Step.Number)") { continue }
        if ($PSCmdlet.ShouldProcess($Step.Text, 'undo')) {
            foreach ($Each in $Step.Undo) { Invoke-Tool -Command $Each.Command }
            Add-Record -Line "undone $($Step.Number)"
            Write-Log -Message "$($Step.Number). undone"
        }
    }
    if ($PSCmdlet.ShouldProcess($StateFile, 'forget')) {
        Remove-Item -LiteralPath $StateFile
        Remove-Item -LiteralPath (Join-Path -Path $Backup -ChildPath 'files') -Recurse -Force -ErrorAction SilentlyContinue
        Write-Log -Message 'Everything is back.'
    }
    return
}

foreach ($Step in $Steps) {
    if (-not $PSCmdlet.ShouldProcess($Step.Text, 'step')) { continue }
    $IsNew = switch ($Step.Kind) {
        'Run' { Invoke-RunStep -Step $Step }
    }
    if ($IsNew) {
        Add-Record -Line "done $($Step.Number)"
        Write-Log -Message "$($Step.Number). $($Step.Text)"
    }
    else { Write-Log -Message "$($Step.Number). done before" }
}

Write-Log -Message 'By hand: CN=Planted Root (/CN=Planted Root): CN=Planted Root'
if (-not $WhatIfPreference) { Write-Log -Message 'Done.' }
