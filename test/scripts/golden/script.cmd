@echo off
setlocal EnableExtensions DisableDelayedExpansion
rem Written by rootaudit 0.0.0. Ends the trust of this machine in:
rem   CN=Planted Root
rem   SHA-256 0000000000000000000000000000000000000000000000000000000000000000
rem Note on /CN=Planted Root: CN=Planted Root
rem
rem   SCRIPT.cmd          does it; a second run changes nothing
rem   SCRIPT.cmd /undo    puts everything back

set "backup=%LOCALAPPDATA%\rootaudit\script-ddc43a3d4e61983e"
if defined ROOTAUDIT_BACKUP set "backup=%ROOTAUDIT_BACKUP%\script-ddc43a3d4e61983e"
if "%~1"=="/undo" goto undo
if not "%~1"=="" goto usage
if not exist "%backup%" mkdir "%backup%"
if not exist "%backup%" goto failed

rem 1. make C:\ProgramData\rootaudit\backup
set "step=1"
if exist "%backup%\done-1" goto after1
if not exist C:\ProgramData\rootaudit\backup mkdir C:\ProgramData\rootaudit\backup
if not exist C:\ProgramData\rootaudit\backup goto failed
type nul > "%backup%\done-1"
echo 1. make C:\ProgramData\rootaudit\backup
:after1

rem 2. run reg export HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 C:\ProgramData\rootaudit\backup\0011.reg /y
set "step=2"
if exist "%backup%\done-2" goto after2
set "key=HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011"
set "shown=HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011"
call :holds1
if errorlevel 2 goto other
if errorlevel 1 goto after2
"%SystemRoot%\System32\reg.exe" export HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 C:\ProgramData\rootaudit\backup\0011.reg /y >nul
if errorlevel 1 goto failed
type nul > "%backup%\done-2"
echo 2. run reg export HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 C:\ProgramData\rootaudit\backup\0011.reg /y
:after2

rem 3. run reg delete HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 /f
set "step=3"
if exist "%backup%\done-3" goto after3
set "key=HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011"
set "shown=HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011"
call :holds1
if errorlevel 2 goto other
if errorlevel 1 goto after3
"%SystemRoot%\System32\reg.exe" delete HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 /f >nul
if errorlevel 1 goto failed
type nul > "%backup%\done-3"
echo 3. run reg delete HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011 /f
:after3

echo By hand: CN=Planted Root (/CN=Planted Root): CN=Planted Root
echo Done.
exit /b 0

:undo
set "step=3"
if not exist "%backup%\done-3" goto undone3
"%SystemRoot%\System32\reg.exe" import C:\ProgramData\rootaudit\backup\0011.reg >nul
if errorlevel 1 goto failed
del "%backup%\done-3"
echo 3. undone
:undone3
if exist "%backup%\done-2" del "%backup%\done-2"
if exist "%backup%\done-1" del "%backup%\done-1"
echo Everything is back.
exit /b 0

:holds1
set "blob="
for /f "tokens=2,*" %%A in ('%SystemRoot%\System32\reg.exe query "%key%" /v Blob 2^>nul') do if "%%A"=="REG_BINARY" set "blob=%%B"
if not defined blob exit /b 1
set "rest=%blob:*3003020100=found%"
if "%rest:~0,5%"=="found" exit /b 0
exit /b 2

:other
echo Stopped: %shown% does not hold the certificate that this script was written for. It was not touched.>&2
exit /b 1

:failed
echo Stopped: step %step% failed. Is this an elevated prompt? What was done before can be undone with /undo.>&2
exit /b 1

:usage
echo usage: SCRIPT.cmd [/undo]>&2
exit /b 2
